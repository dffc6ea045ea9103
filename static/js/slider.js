// A select with `data-slider` becomes a slider with a mark for each of its options. Without this script it stays as it is.
"use strict";

{
  const make = (tag, values) => Object.assign(document.createElement(tag), values);

  const slide = (select) => {
    const options = [...select.options];
    const marks = make("datalist", { id: `${select.id}_marks` });
    marks.append(...options.map(({ text }, place) => make("option", { value: place, label: text })));
    const range = make("input", { type: "range", id: `${select.id}_slider`, min: 0, max: options.length - 1, step: 1 });
    range.setAttribute("list", marks.id);
    const output = make("output", { htmlFor: range.id });

    const show = () => {
      range.value = select.selectedIndex;
      output.value = select.selectedOptions[0].text;
      range.setAttribute("aria-valuetext", output.value);
    };
    range.addEventListener("input", () => {
      select.selectedIndex = range.valueAsNumber;
      show();
    });
    // After Back, the browser sets the fields again.
    addEventListener("pageshow", show);

    for (const label of select.labels) label.htmlFor = range.id;
    select.after(output, range, marks);
    select.hidden = true;
    show();
  };

  for (const select of document.querySelectorAll("select[data-slider]")) slide(select);
}
