/* For pages that embed a link: docs/embed.md. Without script the link stays a link. */
(() => {
  "use strict";
  const embed = (place) => {
    let link;
    try {
      link = new URL(place.dataset.slotlink || place.href);
    } catch {
      return;
    }
    if (!/^https?:$/.test(link.protocol)) return;
    const frame = document.createElement("iframe");
    frame.title = place.title || place.textContent.trim() || "Choose a time";
    frame.style.cssText = "display: block; inline-size: 100%; block-size: 480px; border: 0";
    frame.src = link.href;
    addEventListener("message", ({ origin, source, data }) => {
      if (origin !== link.origin || source !== frame.contentWindow) return;
      if (data?.type === "slotlink:height" && data.height > 0) frame.style.blockSize = `${Number(data.height)}px`;
      if (data?.type === "slotlink:status")
        frame.dispatchEvent(new CustomEvent(data.type, { bubbles: true, detail: { status: data.status } }));
    });
    place.replaceWith(frame);
  };
  const start = () => document.querySelectorAll("a.slotlink, [data-slotlink]").forEach(embed);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
