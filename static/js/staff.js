// Scroll the sidebar of the admin to the list that is open, and unfold on wide pages what is folded for phones.
"use strict";

{
  const sidebar = document.getElementById("nav-sidebar");
  const here = sidebar?.querySelector("[aria-current]");

  if (here) {
    const below = here.getBoundingClientRect().bottom - sidebar.getBoundingClientRect().bottom;
    if (below > -80) sidebar.scrollTop += below + sidebar.clientHeight / 2;
    // No name is cut in half below the field that stays at the top.
    const edge = document.getElementById("nav-filter").getBoundingClientRect().bottom + 8;
    const cut = [...sidebar.querySelectorAll("caption, tr")]
      .map((row) => row.getBoundingClientRect())
      .find((row) => row.top < edge && row.bottom > edge);
    if (cut && sidebar.scrollTop) sidebar.scrollTop -= edge - cut.top;
  }

  if (matchMedia("(min-width: 768px)").matches) {
    for (const section of document.querySelectorAll("details.wide-open")) section.open = true;
  }
}
