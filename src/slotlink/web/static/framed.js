/* Loaded only where the application lists who may embed its pages. Tells the embedding page how tall this one is and how
   the link stands; never which link it is. */
(() => {
  "use strict";
  if (window.parent === window) return;
  const origins = [location.origin, ...document.currentScript.dataset.origins.split(" ")];
  const ancestors = location.ancestorOrigins; // not in every browser: there, whoever is not the parent is told nothing
  const parents = ancestors ? origins.filter((origin) => origin === ancestors[0]) : origins;
  const tell = (message) => parents.forEach((origin) => window.parent.postMessage(message, origin));

  document.documentElement.classList.add("framed"); // as tall as what is in it, not as the frame
  let height, status;
  const look = () => {
    const tall = Math.ceil(document.body.getBoundingClientRect().height);
    if (tall !== height) tell({ type: "slotlink:height", height: (height = tall) });
    const stands = document.querySelector("main")?.dataset.status;
    if (stands && stands !== status) tell({ type: "slotlink:status", status: (status = stands) });
  };
  new ResizeObserver(look).observe(document.body);
  new MutationObserver(look).observe(document.body, { attributeFilter: ["data-status"], childList: true, subtree: true });
  look();
})();
