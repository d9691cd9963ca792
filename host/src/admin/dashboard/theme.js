// Light or dark, before anything is painted: what was chosen here once, else as the system has it.
"use strict";

(() => {
  const root = document.documentElement;
  let kept = null;
  try {
    kept = localStorage.getItem("theme");
  } catch {
    // A browser that keeps nothing: the system's choice holds.
  }
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
})();
