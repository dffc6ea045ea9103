// Share a receipt through the device's own sheet, or print it where there is none.
"use strict";

{
  const button = document.querySelector("[data-share]");

  const share = async () => {
    if (!("share" in navigator)) return print();
    try {
      await navigator.share({ title: document.title, text: button.dataset.share });
    } catch (error) {
      // Closing the sheet is no failure.
      if (error.name !== "AbortError") print();
    }
  };

  if (button) {
    button.hidden = false;
    button.addEventListener("click", share);
  }
}
