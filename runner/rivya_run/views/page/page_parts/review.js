// Only in the page that `rivya-run review` serves: decisions are written, and the page follows its files.
(() => {
  const { all, one } = page;
  const PAUSE = 1000; // milliseconds between two looks at the server
  const HIDDEN = 10000; // the same while nobody sees the page
  const GONE = "rivya-run review doesn’t answer any more, or has failed: see its terminal. What this page shows is as it was.";
  const BROKEN = "The storyboard can’t be shown as it is now. Until it can, this page shows it as it was.";
  const BUSY = ["playing", "running", "begun"]; // classes of what a person is doing
  let revision = document.body.dataset.revision;
  let latest = null; // a newer page that isn't taken over yet
  let postponed = false;

  // What the page is about is compared by keys; what a person has typed, opened, marked or started stays.
  const key = (node) => node.dataset?.key ?? (node.id || "");
  const same = (one, other) => one.nodeName === other.nodeName && key(one) === key(other);
  const attributes = (old, now) => {
    const set = old.matches("video, audio") ? ["loop", "muted", "style"] : []; // by a browser's own menu
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name) && !["hidden", "open", ...set].includes(name)) old.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      const kept = name === "class" ? [value, ...BUSY.filter((word) => old.classList.contains(word))].join(" ") : value;
      if (!["hidden", "open"].includes(name) && old.getAttribute(name) !== kept) old.setAttribute(name, kept);
    }
  };
  const follow = (old, now) => {
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue; return; }
    if (old.dataset.own !== undefined || old.nodeName === "SCRIPT" || old.isEqualNode(now)) return;
    if (films.has(old)) followFilm(old, now);
    attributes(old, now);
    let at = old.firstChild;
    const move = (old.moveBefore ?? old.insertBefore).bind(old); // the first keeps players playing
    for (const child of now.childNodes) {
      let found = at;
      while (found && !same(found, child)) found = found.nextSibling;
      if (!found) { old.insertBefore(document.importNode(child, true), at); continue; }
      if (found === at) at = at.nextSibling; else move(found, at);
      follow(found, child);
    }
    while (at) at = gone(at);
  };
  const gone = (node) => {
    const next = node.nextSibling;
    if (node.dataset?.own === undefined) node.remove();
    return next;
  };
  // A film that has changed is set up anew where it stands, when it stands.
  const followFilm = (old, now) => {
    const film = films.get(old);
    if (film.made === markup(now)) return;
    if (film.running()) { postponed = true; return; }
    const place = film.place();
    const focused = old.contains(document.activeElement) ? document.activeElement.className : "";
    const open = all(".edit", old).map((list) => list.open);
    film.leave();
    attributes(old, now);
    for (const part of [".stage", ".cutting"]) one(part, old).replaceWith(document.importNode(one(part, now), true));
    all(".edit", old).forEach((list, number) => { list.open = open[number] ?? list.open; });
    setUpFilm(old, place);
    if (focused) all("button, input", old).find(({ className }) => className === focused)?.focus({ preventScroll: true });
  };
  const takeOver = () => {
    postponed = false;
    follow(document.body, latest.body);
    document.title = latest.title;
    for (const [film, { leave }] of films) if (!film.isConnected) leave();
    for (const film of all(".film")) if (!films.has(film)) setUpFilm(film);
    page.renewed();
    page.resetPicks();
    if (!postponed) latest = null;
  };

  const problem = one("#problem");
  const show = (heading, text = "") => {
    problem.hidden = !heading;
    for (const [part, said] of [["strong", heading], ["pre", text]]) {
      if (one(part, problem).textContent !== said) one(part, problem).textContent = said;
    }
  };
  const asked = async (path) => {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(answer.statusText);
    return answer;
  };
  const look = async () => {
    try {
      const state = await (await asked("state")).json();
      show(state.problem && BROKEN, state.problem);
      if (state.revision !== revision) {
        latest = new DOMParser().parseFromString(await (await asked("./")).text(), "text/html");
        revision = latest.body.dataset.revision;
      }
    } catch {
      show(GONE);
      return;
    }
    if (latest) takeOver();
  };
  // One after another: a look never runs into a decision.
  let queue = Promise.resolve();
  const soon = (act) => { queue = queue.then(act); return queue; };

  const tell = (about, text) => {
    for (const place of all(".shot, .take, #compare figure").filter((node) => key(node) === about)) {
      const below = place.matches(".shot") ? one(".script", place) : one(".below", place) ?? place;
      all(":scope > .told", below).forEach((old) => old.remove());
      if (!text) continue;
      const told = Object.assign(document.createElement("p"), { className: "error told", textContent: text });
      told.setAttribute("role", "alert");
      told.dataset.own = "";
      told.dataset.key = "told";
      (one(":scope > .actions", below) ?? below.lastElementChild).after(told);
    }
  };
  const decide = (control, what) => {
    const { shot, digits } = control.dataset;
    const about = key(control.closest("[data-key]"));
    return soon(async () => {
      let said = "";
      try {
        const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ shot, digits }) };
        const answer = await fetch(what, sent);
        if (!answer.ok) said = (await answer.json()).error;
      } catch {
        said = GONE;
      }
      await look();
      tell(about, said);
      page.resetPicks(); // what is marked is what the storyboard says
    });
  };
  document.addEventListener("change", ({ target }) => { if (target.matches("input.pick")) decide(target, "pick"); });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button.approve");
    if (button) decide(button, button.dataset.what);
  });

  let waiting = 0;
  const again = () => {
    clearTimeout(waiting);
    soon(look).then(() => { waiting = setTimeout(again, document.hidden ? HIDDEN : PAUSE); });
  };
  document.addEventListener("visibilitychange", again);
  again();
})();
