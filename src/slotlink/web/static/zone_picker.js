// The searchable choice of a time zone, fetched when somebody presses "Change". Without it the page has a plain list.
const SHOWN = 40; // rows at once: whoever wants more types more
let zones = null; // [tzid, city, country]

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// "UTC+2", "UTC−3:30": as the server writes it
function offsetOf(tzid) {
  try {
    const parts = new Intl.DateTimeFormat("en", { timeZone: tzid, timeZoneName: "shortOffset" }).formatToParts();
    const text = parts.find(({ type }) => type === "timeZoneName").value;
    return (text === "GMT" ? "GMT+0" : text).replace("GMT", "UTC").replace("-", "−");
  } catch {
    return ""; // a zone that this browser does not know
  }
}

function clockOf(tzid) {
  const hours = document.querySelector(".view [name=hours]:checked")?.value;
  try {
    return new Intl.DateTimeFormat(document.documentElement.lang, {
      timeZone: tzid, hour: hours === "12" ? "numeric" : "2-digit", minute: "2-digit", hourCycle: hours === "12" ? "h12" : "h23",
    }).format();
  } catch {
    return "";
  }
}

function fitting(text) {
  const wanted = plain(text.trim());
  const offset = /^(?:utc|gmt)?\s*([+−-])(\d{1,2})(?::?(\d\d))?$/.exec(wanted);
  if (offset) {
    const asked = `UTC${offset[1] === "+" ? "+" : "−"}${Number(offset[2])}${Number(offset[3] ?? 0) ? `:${offset[3]}` : ""}`;
    return zones.filter(([tzid]) => offsetOf(tzid) === asked);
  }
  const starts = [], holds = [];
  for (const zone of zones) {
    const texts = [plain(zone[1]), plain(zone[2]), plain(zone[0].replaceAll("_", " "))];
    if (texts.some((each) => each.startsWith(wanted))) starts.push(zone);
    else if (texts.some((each) => each.includes(wanted))) holds.push(zone);
  }
  return [...starts, ...holds];
}

async function names(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

export async function open({ script, words, kept, count, go, say }) {
  const form = document.querySelector("form.view"), summary = form.querySelector("summary"), details = summary.parentElement;
  const already = form.querySelector("dialog");
  if (already) return already.close();
  zones ??= await names(script.dataset.zoneNames);
  if (!form.isConnected || form.querySelector("dialog")) return; // another page, or another press, meanwhile
  const known = new Map(zones.map((zone) => [zone[0], zone]));
  const recent = JSON.parse(kept.read("zones") ?? "[]").filter((tzid) => known.has(tzid));
  const device = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const current = form.tzid.value;
  const cityOf = (tzid) => known.get(tzid)?.[1] ?? tzid.split("/").at(-1).replaceAll("_", " "); // a device may know an older name

  const search = element("input", { type: "search", id: "zone-search", autocomplete: "off", placeholder: words.search });
  search.setAttribute("aria-label", words.search);
  search.setAttribute("form", "none"); // Enter here sends no form
  const list = element("div", { className: "rows" });
  const status = element("p", { className: "hint" });
  status.setAttribute("role", "status");
  const close = element("button", { type: "button", className: "close", textContent: "×" });
  close.setAttribute("aria-label", words.close);
  const title = element("h2", { id: "zone-title", textContent: words.zone });
  const dialog = element("dialog", {}, element("div", { className: "bar" }, title, close), search, list, status);
  dialog.setAttribute("aria-labelledby", "zone-title");

  function shut() {
    if (!dialog.isConnected) return;
    removeEventListener("pointerdown", outside);
    dialog.close();
    dialog.remove();
    details.open = false;
    summary.focus();
  }

  // Tab leads out of it where it is not modal: what is reached then must not lie under it (WCAG 2.4.11).
  function left({ relatedTarget }) {
    if (!relatedTarget || relatedTarget === summary || dialog.contains(relatedTarget)) return;
    removeEventListener("pointerdown", outside);
    dialog.remove();
    details.open = false;
  }

  function choose(tzid) {
    kept.write("zones", JSON.stringify([tzid, ...recent.filter((each) => each !== tzid)].slice(0, 3)));
    const query = new URLSearchParams(new FormData(form));
    query.set("tzid", tzid);
    shut();
    go(`${form.action}?${query}`, () => {
      document.querySelector("details.zone > summary").focus();
      say(words.times_now.replace("{zone}", cityOf(tzid)));
    });
  }

  function row(tzid, note) {
    const country = known.get(tzid)?.[2];
    const button = element("button", { type: "button" },
      element("span", {}, element("b", { textContent: cityOf(tzid) }), element("small", {}, `${note ?? (country ? `${country}.` : "")} `, element("bdi", { textContent: offsetOf(tzid) }))),
      element("bdi", { textContent: clockOf(tzid) }));
    if (tzid === current) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose(tzid));
    return button;
  }

  function draw() {
    if (search.value.trim()) {
      const found = fitting(search.value);
      list.replaceChildren(...found.slice(0, SHOWN).map(([tzid]) => row(tzid)));
      status.textContent = found.length ? `${count(words.zones_found, found.length)} ${words.accents}` : words.no_zone;
      return;
    }
    const notes = new Map([[current, null], [device, words.device]]);
    const organiser = script.dataset.organiser;
    if (!notes.get(organiser)) notes.set(organiser, words.organiser);
    if (!notes.has("Etc/UTC")) notes.set("Etc/UTC", "");
    list.replaceChildren(
      element("h3", { textContent: words.suggested }), ...[...notes].map(([tzid, note]) => row(tzid, note ?? undefined)),
      ...(recent.length ? [element("h3", { textContent: words.recent }), ...recent.map((tzid) => row(tzid))] : []),
    );
    status.textContent = "";
  }

  search.addEventListener("input", draw);
  dialog.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter and Escape belong to the writing of Japanese, say
    const rows = [...list.querySelectorAll("button")], at = rows.indexOf(document.activeElement);
    if (event.key === "Escape") shut();
    else if (event.key === "Enter" && event.target === search) rows[0]?.click();
    else if (event.key === "ArrowDown") (rows[at + 1] ?? rows[0])?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? rows[at - 1] : search).focus();
    else if (event.key === "Home" && at >= 0) rows[0].focus();
    else if (event.key === "End" && at >= 0) rows.at(-1).focus();
    else return;
    event.preventDefault();
  });
  close.addEventListener("click", shut);
  const isSheet = matchMedia("(max-width: 639.9px)").matches;
  const outside = ({ target, clientY }) => {
    const isBackdrop = isSheet && target === dialog && clientY < dialog.getBoundingClientRect().top;
    if (isBackdrop || !(dialog.contains(target) || summary.contains(target))) shut();
  };
  dialog.addEventListener("close", shut); // by the browser, where it has a gesture of its own for that
  dialog.addEventListener("focusout", left);
  form.append(dialog);
  details.open = true; // so that the button is said to be expanded; the plain list in it stays hidden
  draw();
  if (isSheet) dialog.showModal();
  else dialog.show();
  addEventListener("pointerdown", outside);
  search.focus();
}
