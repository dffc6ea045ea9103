// Presses one control of the page and says whether that shows within 100 ms. Without an index: names all controls.
async (index) => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const named = (control) =>
    `${control.localName} ${control.name || control.getAttribute("href") || ""} ${control.textContent.trim().slice(0, 40)}`;
  // A menu is opened before its controls are pressed.
  const isThere = (control) => control.checkVisibility() || control.closest("[popover]");
  const controls = [
    // The theme that is chosen already has nothing to change.
    ...document.querySelectorAll("a[hx-get], .seg a, main a.btn, form[method=post] [type=submit]:not([aria-pressed=true])"),
    ...document.querySelectorAll("form[hx-get] :is(select, input:not([type=hidden]), [type=submit])"),
    // The browser shows a download itself, and an address opens another program.
  ].filter((control) => isThere(control) && !control.matches("[data-download], [href^='mailto:']"));
  if (index === null) return controls.map(named);

  const control = controls[index];
  const open = control.closest("[popover]");
  if (open) open.showPopover();
  const asking = control.closest("[hx-target]");
  const selector = asking?.getAttribute("hx-target");
  // A suggestion fills the form around it.
  const target = control.dataset.fill ? control.closest("form") : selector && document.querySelector(selector);
  const looks = (element) => {
    if (!element) return "";
    const { opacity, color, backgroundColor, borderColor } = getComputedStyle(element);
    return JSON.stringify([element.innerText, opacity, color, backgroundColor, borderColor]);
  };
  // What a person has typed or chosen shows by itself: there the target has to change.
  const isField = control.matches("select, input");
  const shown = () => (isField ? looks(target) : looks(control) + looks(target));
  const before = shown();

  const { form } = control;
  if (form) form.noValidate = true;
  const start = performance.now();
  if (!isField) control.click();
  else if (form.getAttribute("hx-trigger").includes("change")) {
    control.dispatchEvent(new Event("change", { bubbles: true }));
  } else control.dispatchEvent(new Event("search", { bubbles: true }));
  let elapsed = 0;
  do {
    await new Promise((resume) => setTimeout(resume));
    if (shown() !== before) return "";
    elapsed = performance.now() - start;
  } while (elapsed < 100);
  return `${location.pathname}: ${named(control)}`;
};
