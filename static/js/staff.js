// Scroll the sidebar of the admin to the list that is open.
"use strict";

{
  const sidebar = document.getElementById("nav-sidebar");
  const here = sidebar?.querySelector("[aria-current]");

  if (here) {
    const below = here.getBoundingClientRect().bottom - sidebar.getBoundingClientRect().bottom;
    if (below > -80) sidebar.scrollTop += below + sidebar.clientHeight / 2;
  }
}
