// What script adds to a link's page: no reloads, arrow keys in the month, times as they are now. The page is complete
// without it, and each part below looks for itself whether it finds what it needs. Every text comes from the server.
(() => {
  "use strict";
  const script = document.currentScript;
  const kept = {
    read(name) { try { return sessionStorage.getItem(name); } catch { return null; } }, // a frame may have no storage
    write(name, value) { try { sessionStorage.setItem(name, value); } catch { /* then it is not remembered */ } },
  };

  // The device's zone, once and before anything is drawn, in the address: no cookie, and Back leads where one was.
  if (script.dataset.detect) {
    const wanted = new URL(location.href);
    const device = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (device && device !== script.dataset.detect) wanted.searchParams.set("tzid", device);
    if (kept.read("hours") && !wanted.searchParams.has("hours")) wanted.searchParams.set("hours", kept.read("hours"));
    if (wanted.href !== location.href) return location.replace(wanted);
  }
  document.documentElement.classList.add("scripted");

  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const visible = (selector) => all(selector).find((element) => element.offsetParent);
  const main = () => find("main");
  let words = {};
  const told = Object.assign(document.createElement("div"), { className: "unseen" }); // for those who listen
  told.setAttribute("role", "status");

  const count = (forms, number) => {
    const language = document.documentElement.lang;
    const form = forms[new Intl.PluralRules(language).select(number)] ?? forms.other;
    return form.replace("{num}", new Intl.NumberFormat(language).format(number));
  };

  // One message in five seconds: the last one counts.
  let waiting = null, saidAt = 0;
  const say = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { told.textContent = text; saidAt = Date.now(); }, Math.max(0, saidAt + 5000 - Date.now()));
  };
  const write = (text, ...more) => find(".live")?.replaceChildren(text, ...more);
  const isPartial = (page) => Boolean(find("[data-retry], .live.incomplete", page)); // not every calendar could be read
  const atRest = () => isPartial(document) ? "" : words.live;

  // Pages in place of pages. What styles this one stays; that of another answer has another nonce.
  const read = (text) => new DOMParser().parseFromString(text.replace(/<style[^]*?<\/style>/, ""), "text/html");
  const fetched = async (address, options) => read(await (await fetch(address, { ...options, headers: { Accept: "text/html" } })).text());
  const isPicker = (page) => Boolean(find(".choose", page));
  let loading = null, noted = "";

  async function ask(address, options) {
    loading?.abort();
    const mine = loading = new AbortController();
    const slow = setTimeout(() => { find(".choose")?.classList.add("reading"); say(words.reading); }, 300);
    try {
      return await fetched(address, { ...options, signal: mine.signal });
    } finally {
      clearTimeout(slow);
      if (loading === mine) {
        loading = null;
        find(".choose")?.classList.remove("reading");
      }
    }
  }

  // What a fresh page has in the place of an element of this one.
  const keyOf = (element) => [element.tagName, element.id, element.value, element.href ?? element.getAttribute("aria-label")].join();

  function show(page) {
    const held = document.activeElement, key = keyOf(held), selected = held.id === "note" && [held.selectionStart, held.selectionEnd];
    const listed = find(".languages")?.open;
    if (isPicker(page) && isPicker(document)) {
      for (const part of [".view", ".choose", ".languages"]) {
        const fresh = find(part, page); // a server of another version may have fewer
        if (fresh) find(part)?.replaceWith(document.adoptNode(fresh));
      }
      for (const name of main().getAttributeNames()) main().removeAttribute(name);
      for (const { name, value } of find("main", page).attributes) main().setAttribute(name, value);
    } else {
      document.body.className = page.body.className;
      document.body.replaceChildren(...document.adoptNode(page.body).childNodes);
    }
    document.title = page.title;
    if (listed && find(".languages")) find(".languages").open = true;
    const field = find("#note");
    if (noted && field && !field.value) {
      field.value = noted;
      const folded = field.closest("details");
      if (folded) folded.open = true;
    }
    begin();
    if (held.isConnected) return; // else nobody who only waits may lose their place (WCAG 2.4.3)
    all("a, button, summary, input, textarea, [tabindex]").find((each) => each.offsetParent && keyOf(each) === key)?.focus({ preventScroll: true });
    if (selected && field) field.setSelectionRange(...selected);
  }

  let place = location.pathname + location.search;
  const moveTo = (address) => {
    if (new URL(address, location).href !== location.href || !isPicker(document)) history.pushState(null, "", address);
    place = location.pathname + location.search;
  };

  async function go(address, focus, { push = true } = {}) {
    try {
      const page = await ask(address);
      if (push) moveTo(address);
      show(page);
      focus?.();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (navigator.onLine) location.assign(address); // let the browser say what is wrong
      else offline();
    }
  }

  const focusTimes = () => find("#chosen")?.focus();
  const focusTitle = () => (find("[autofocus]") ?? find("h1"))?.focus();

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const change = event.target.closest("details.zone > summary");
    if (change) {
      event.preventDefault();
      import(script.dataset.zones).then((zones) => zones.open({ script, words, kept, count, go, say })).catch(() => { document.documentElement.classList.remove("scripted"); change.parentElement.open = true; });
      return;
    }
    const link = event.target.closest(".days a, .month a, .notice a, a.back, .confirm a.button");
    if (!link || link.origin !== location.origin) return;
    event.preventDefault();
    const step = ["earlier", "later"].find((name) => link.classList.contains(name));
    if (step) go(link.href, () => (find(`a.${step}`) ?? find("#month")).focus());
    else if (link.classList.contains("more")) go(link.href, () => find("#month").focus());
    else go(link.href, link.closest(".days, .month") ? focusTimes : focusTitle);
  });
  addEventListener("popstate", () => {
    const before = place;
    place = location.pathname + location.search;
    const placed = () => { if (document.activeElement === document.body) (find("#chosen") ?? find("h1"))?.focus(); };
    if (place !== before || !isPicker(document)) go(location.href, placed, { push: false }); // else a part of this page
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.view");
    if (!form || !["hours", "tzid"].includes(event.target.name)) return;
    const query = new URLSearchParams(new FormData(form));
    if (event.target.name === "hours") kept.write("hours", event.target.value);
    go(`${form.action}?${query}`, () => find(`.view [name=hours][value="${query.get("hours")}"]`)?.focus());
  });

  // A time leads to the step that confirms it, in place; what books is left to the browser, which follows where it leads.
  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (button?.getAttribute("aria-disabled") === "true" || form.dataset.sent) return event.preventDefault();
    if (form.method !== "post" || !button) return; // an old browser does not tell which was pressed
    if (form.matches(".choose[data-confirms]")) {
      event.preventDefault();
      const body = new URLSearchParams(new FormData(form));
      body.set("slot", button.value);
      try {
        const page = await ask(form.action, { method: "POST", body });
        moveTo(main().dataset.address);
        show(page);
        focusTitle();
      } catch (error) {
        if (error.name !== "AbortError") offline();
      }
      return;
    }
    form.dataset.sent = "yes";
    if (find("#note", form)) noted = "";
    const label = button?.innerHTML;
    if (button?.classList.contains("main")) {
      button.setAttribute("aria-disabled", "true");
      button.textContent = form.matches(".confirm") ? words.confirming : words.sending;
    }
    setTimeout(() => { // whoever stopped it may send it again: it books once however often it comes
      delete form.dataset.sent;
      listen();
      button?.removeAttribute("aria-disabled");
      if (button?.classList.contains("main")) button.innerHTML = label;
    }, 15_000);
  });
  // By its address, as this document may be what a form was answered with.
  const anew = () => { const { address } = main()?.dataset ?? {}; address ? location.replace(address) : location.reload(); };
  addEventListener("pageshow", ({ persisted }) => { if (persisted) anew(); });

  document.addEventListener("input", ({ target }) => {
    const left = find("#note-left");
    if (target.id !== "note" || !left) return;
    noted = target.value;
    const rest = 500 - [...target.value.replaceAll("\r\n", "\n").trim()].length;
    left.textContent = rest > 100 ? "" : rest < 0 ? count(words.too_long, -rest) : count(words.left, rest);
  });

  // The month as a grid (WAI-ARIA Authoring Practices, "Date Picker Dialog"): one stop for Tab, days without times too.
  const cells = () => all(".month td").filter((cell) => cell.firstElementChild);
  const stop = (cell) => find("a", cell) ?? cell;

  function makeGrid() {
    const table = find(".month table");
    if (!table) return;
    table.setAttribute("role", "grid");
    for (const cell of cells()) {
      stop(cell).tabIndex = -1;
      cell.setAttribute("aria-selected", String(Boolean(find(".chosen", cell))));
    }
    const first = cells().find((cell) => find(".chosen", cell)) ?? cells().find((cell) => find("a", cell)) ?? cells()[0];
    if (first) stop(first).tabIndex = 0;
  }

  function focusDay(index) {
    const days = cells();
    const cell = days[Math.max(0, Math.min(index, days.length - 1))];
    for (const other of days) stop(other).tabIndex = -1;
    stop(cell).tabIndex = 0;
    stop(cell).focus();
  }

  function goMonth(steps, index) {
    const { month, first, last, address } = find(".month table").dataset;
    const [year, number] = month.split("-").map(Number);
    const moved = new Date(Date.UTC(year, number - 1 + steps, 1)).toISOString().slice(0, 7);
    const held = moved < first ? first : moved > last ? last : moved;
    if (held === month) return;
    go(address.replace(`month=${month}`, `month=${held}`), () => focusDay(index(cells().length)));
  }

  const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.id === "chosen") return visible("a.chosen")?.focus();
    const cell = event.target.closest(".month td"), days = cells(), at = days.indexOf(cell);
    if (at < 0) return;
    const week = days.filter((other) => other.parentElement === cell.parentElement);
    const years = event.shiftKey ? 12 : 1;
    if (event.key in ARROWS) {
      const step = ARROWS[event.key], turned = Math.abs(step) === 1 && document.documentElement.dir === "rtl";
      const to = at + (turned ? -step : step);
      if (to < 0) goMonth(-1, (length) => length + to);
      else if (to >= days.length) goMonth(1, () => to - days.length);
      else focusDay(to);
    } else if (event.key === "Home") focusDay(days.indexOf(week[0]));
    else if (event.key === "End") focusDay(days.indexOf(week.at(-1)));
    else if (event.key === "PageUp") goMonth(-years, () => at);
    else if (event.key === "PageDown") goMonth(years, () => at);
    else if (event.key === " " && event.target.href) event.target.click();
    else return;
    event.preventDefault();
  });

  // Live: the server tells that times have changed; the page itself, asked again, tells which.
  let stream = null, heard = "", polling = null, asking = null, again = null, retry = null, retries = 0;
  const offline = () => { write(words.offline); say(words.offline); };

  async function refresh() {
    const shown = main();
    const address = shown.dataset.address;
    if (!address) return;
    asking?.abort(); // of two answers the older might come last
    clearTimeout(again);
    const { signal } = asking = new AbortController();
    const askAgain = () => { again = setTimeout(refresh, 5000); }; // the stream says each thing once
    let page;
    try {
      page = await fetched(address, { signal });
    } catch {
      if (signal.aborted) return;
      if (!navigator.onLine) offline();
      return askAgain();
    }
    if (main() !== shown || shown.dataset.address !== address) return; // the visitor has gone on meanwhile
    const fresh = find("main", page);
    if (!fresh?.dataset.status) return askAgain(); // a fault: what is shown stays
    if (!isPicker(page) || !isPicker(document) || isPartial(page) !== isPartial(document)) return show(page);
    shown.dataset.times = fresh.dataset.times;
    compare(page);
  }

  function compare(page) {
    const same = find(".choose").dataset.date === find(".choose", page).dataset.date;
    const now = new Set(same ? all(".slots button", page).map(({ value }) => value) : []);
    const buttons = all(".slots button"), before = new Set(buttons.map(({ value }) => value));
    const taken = buttons.filter((button) => !now.has(button.value) && !button.classList.contains("taken"));
    for (const button of taken) {
      const time = document.createElement("s");
      time.append(button.firstChild);
      button.prepend(time);
      button.append(Object.assign(document.createElement("small"), { textContent: words.taken }));
      button.classList.add("taken");
      button.setAttribute("aria-disabled", "true");
      button.dataset.name = button.getAttribute("aria-label");
      button.setAttribute("aria-label", `${button.dataset.name} – ${words.taken}`);
    }
    for (const button of buttons.filter((each) => now.has(each.value) && each.classList.contains("taken"))) {
      button.firstChild.replaceWith(...button.firstChild.childNodes);
      button.lastElementChild.remove();
      button.classList.remove("taken");
      button.removeAttribute("aria-disabled");
      button.setAttribute("aria-label", button.dataset.name);
    }
    for (const part of [".month", ".days"]) {
      const held = find(part).contains(document.activeElement) ? document.activeElement.closest("td, li") : null;
      const place = held && all(`${part} td, ${part} li`).indexOf(held);
      find(part).replaceWith(document.adoptNode(find(part, page)));
      if (part === ".month") makeGrid();
      if (held) { const cell = all(`${part} td, ${part} li`)[place]; (find("a", cell) ?? cell)?.focus(); }
    }
    const left = all(".slots button:not(.taken)").length;
    find("#chosen small").replaceChildren(...(same ? find("#chosen small", page).childNodes : [])); // "None is left" says the rest
    const added = [...now].filter((start) => !before.has(start)).length;
    const offering = find(".live button") === document.activeElement;
    const text = taken.length ? `${count(words.were_taken, taken.length)} ${left ? count(words.are_left, left) : words.none_left}` : atRest();
    if (added) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: count(words.show_new, added) });
      button.addEventListener("click", () => go(main().dataset.address, focusTimes, { push: false }));
      write(text, " ", button);
    } else write(text);
    if (offering) (find(".live button") ?? find("#chosen")).focus();
    if (taken.length) say(text);
  }

  function listen() {
    clearTimeout(polling);
    const address = main()?.dataset.live;
    const wanted = address && !document.hidden ? new URL(address, location).href : "";
    if (wanted && stream?.url === wanted && stream.readyState !== EventSource.CLOSED) return hear(); // another page of it
    stream?.close();
    stream = null;
    heard = "";
    if (!wanted) return;
    // Without a stream the page asks by itself, and now and then for a stream again: a server starts anew, too.
    const poll = () => { polling = setTimeout(() => { refresh(); listen(); }, 27_000 + Math.random() * 6000); };
    if (!window.EventSource) return poll();
    const mine = stream = new EventSource(wanted);
    mine.addEventListener("times", ({ data }) => { heard = data; hear(); });
    mine.addEventListener("closed", () => {
      mine.close();
      if (!find("form[data-sent]")) anew(); // else it may be closed by what is just being booked here
    });
    mine.addEventListener("error", () => { if (stream === mine && mine.readyState === EventSource.CLOSED) poll(); });
  }

  function hear() {
    if (!heard) return;
    if (heard !== main().dataset.times) refresh();
    else if (find(".live") && !find(".live button")) write(atRest());
  }
  document.addEventListener("visibilitychange", listen);
  addEventListener("offline", offline);
  addEventListener("online", () => { refresh(); listen(); });
  addEventListener("pagehide", () => stream?.close());

  // Calendars that could not be read are tried again, ever less often, and behind whatever the visitor does meanwhile.
  function tryAgain() {
    clearTimeout(retry);
    if (!find("[data-retry]")) { retries = 0; return; }
    retry = setTimeout(readAgain, [2, 5, 10, 30][Math.min(retries++, 3)] * 1000);
  }

  async function readAgain() {
    const shown = main(), { address } = shown.dataset;
    const busy = () => document.hidden || loading || find("dialog, form[data-sent]") || main() !== shown || shown.dataset.address !== address;
    if (busy()) return tryAgain();
    const page = await fetched(address).catch(() => null);
    if (busy() || !find("main", page ?? document.createElement("p"))?.dataset.status) return tryAgain(); // a fault: what is shown stays
    show(page);
  }

  function begin() {
    words = JSON.parse(find("#words")?.textContent ?? "{}");
    document.body.append(told);
    for (const heading of all("h1, #chosen, #month")) heading.tabIndex = -1;
    makeGrid();
    listen();
    tryAgain();
  }
  function start() {
    begin();
    // What a form was answered with has an address of its own, too, to come back to.
    if (isPicker(document) && !location.search) history.replaceState(null, "", main().dataset.address + location.hash);
    place = location.pathname + location.search;
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
