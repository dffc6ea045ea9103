// Return the elements that are wider than the page or overflow their box.
() => {
  const found = [];
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) found.push(`the page: ${page.scrollWidth} > ${page.clientWidth}`);
  const boxes = ".card, .note, .menu, .btn, .badge, .input, .seg, .nav a, .deep, td, th, dd, dt, main, header";
  const name = (element) => `${element.localName}.${[...element.classList].join(".")}`;
  const isCut = (element) => {
    const style = getComputedStyle(element);
    return style.overflowX !== "visible" || style.clipPath !== "none";
  };
  const check = (rect, start, what) => {
    if (!rect.width) return;
    for (let box = start; box && box !== document.body; box = box.parentElement) {
      if (box.localName === "svg" || (isCut(box) && !box.matches(".card"))) return;
      if (!box.matches(boxes)) continue;
      const edge = box.getBoundingClientRect();
      if (edge.width && (rect.left < edge.left - 1 || rect.right > edge.right + 1)) {
        found.push(`${what} leaves ${name(box)}`);
        return;
      }
    }
    if (rect.right > page.clientWidth + 1 || rect.left < -1) found.push(`${what} leaves the page`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!node.data.trim() || !node.parentElement.checkVisibility() || node.parentElement.closest("svg, .chart div")) continue;
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) check(rect, node.parentElement, `“${node.data.trim().slice(0, 24)}”`);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea, .btn, .notch, .chart, progress, img, svg")) {
    if (field.checkVisibility() && !field.closest("svg svg, .mark, .tally, .sr")) check(field.getBoundingClientRect(), field.parentElement, name(field));
  }
  return [...new Set(found)].slice(0, 6);
};
