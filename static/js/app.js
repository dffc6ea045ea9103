// What the pages do better with a script. Each of them works without it.
"use strict";

const cookie = (name) => {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
};

// The token of the cookie on each htmx request: the bodies of cached pages carry none.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = cookie("csrftoken");
});
