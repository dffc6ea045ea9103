// The page that starts a plan: names to tap, and a plan type that follows the date until the user chooses one.
// Without this script the names are links, and the user chooses the plan type.
"use strict";

{
  const types = (form) => [...form.querySelectorAll("[name=product]")];

  const propose = (form) => {
    const suits = form.querySelector("[name=matures_on]").value ? "end" : "open";
    const proposed = types(form).find((type) => type.dataset.suits === suits);
    if (proposed) proposed.checked = true;
    form.dataset.proposes = "";
  };

  const begin = () => {
    const form = document.querySelector("form.start");
    if (form && !types(form).some((type) => type.checked)) propose(form);
  };

  // Before htmx collects the fields for the preview.
  document.addEventListener(
    "change",
    ({ target }) => {
      const form = target.closest("form.start");
      if (form && target.name === "product") delete form.dataset.proposes;
      if (form && target.name === "matures_on" && form.dataset.proposes !== undefined) propose(form);
    },
    true,
  );

  document.addEventListener("click", (event) => {
    const purpose = event.target.closest("[data-name]");
    if (!purpose) return;
    event.preventDefault();
    const form = purpose.closest("form");
    form.elements.name.value = purpose.dataset.name;
    for (const other of form.querySelectorAll("[data-name]")) other.removeAttribute("aria-current");
    purpose.setAttribute("aria-current", "true");
    const type = types(form).find((one) => purpose.dataset.kind && one.dataset.kind === purpose.dataset.kind);
    if (!type || form.dataset.proposes === undefined) return;
    type.checked = true;
    type.closest("details")?.setAttribute("open", "");
    type.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("htmx:afterSettle", begin);
  begin();
}
