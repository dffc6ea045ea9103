// Copy an invite link, or share it through the device's own sheet. Each button is shown where the browser can do it.
"use strict";

{
  const copy = document.querySelector("[data-copy]");
  const share = document.querySelector("[data-share-url]");

  if (copy && navigator.clipboard) {
    const words = copy.querySelector("span");
    const before = words.textContent;
    let timer;
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(copy.dataset.copy);
      } catch {
        // The browser refused. The link is beside the button, to be copied by hand.
        return;
      }
      words.textContent = copy.dataset.done;
      clearTimeout(timer);
      timer = setTimeout(() => { words.textContent = before; }, 3000);
    });
  }

  if (share && "share" in navigator) {
    share.hidden = false;
    share.addEventListener("click", () => {
      // Closing the sheet is no failure, and the link can still be copied after another one.
      navigator.share({ title: document.title, url: share.dataset.shareUrl }).catch(() => {});
    });
  }
}
