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

  // The goal and the date of a purpose fill what is empty, or what another purpose has filled.
  const suggest = (form, { goal, ends = "" }) => {
    const note = form.querySelector("[data-suggested]");
    const { target, matures_on: day } = form.elements;
    const isOurs = !note.hidden && form.dataset.goal === target.value && form.dataset.ends === day.value;
    if ((target.value || day.value) && !isOurs) return;
    form.dataset.goal = target.value = goal;
    form.dataset.ends = day.value = ends;
    note.hidden = false;
    day.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const begin = () => {
    const form = document.querySelector("form.start");
    if (!form) return;
    form.dataset.goal ??= form.elements.target.value;
    form.dataset.ends ??= form.elements.matures_on.value;
    if (!types(form).some((type) => type.checked)) propose(form);
    // The sum that the preview assumes is proposed where it is asked for.
    const assumed = document.getElementById("preview")?.dataset.monthly ?? "";
    if (form.elements.monthly) form.elements.monthly.placeholder = assumed.replace(/^\D+/, "");
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

  // What a person types is no suggestion any more.
  document.addEventListener("input", ({ target }) => {
    const note = target.closest("form.start")?.querySelector("[data-suggested]");
    if (note && ["target", "matures_on"].includes(target.name)) note.hidden = true;
  });

  document.addEventListener("click", (event) => {
    const purpose = event.target.closest("a[data-goal]");
    if (!purpose) return;
    event.preventDefault();
    const form = purpose.closest("form");
    form.elements.name.value = purpose.textContent;
    suggest(form, purpose.dataset);
    for (const other of form.querySelectorAll("a[data-goal]")) other.removeAttribute("aria-current");
    purpose.setAttribute("aria-current", "true");
    const type = types(form).find((one) => purpose.dataset.kind && one.dataset.kind === purpose.dataset.kind);
    if (!type || form.dataset.proposes === undefined) return;
    type.checked = true;
    type.closest("details")?.setAttribute("open", "");
    type.dispatchEvent(new Event("change", { bubbles: true }));
    // The next purpose may propose another type.
    form.dataset.proposes = "";
  });

  document.addEventListener("htmx:afterSettle", begin);
  begin();
}
