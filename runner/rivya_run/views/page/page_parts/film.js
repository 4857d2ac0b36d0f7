// The film: its pieces one after another with the sounds, all by one clock that waits for what isn't ready.
let stopOther = null; // stops the film that is running
const films = new Map(); // those that are set up
const markup = (film) => [film.dataset.seconds, film.dataset.rate, ...[...film.querySelectorAll(".stage, .cutting")].map((part) => part.outerHTML)].join();
const setUpFilm = (film, place = null) => {
  const made = markup(film);
  const leaving = new AbortController();
  const one = (selector) => film.querySelector(selector);
  const [stage, bar, play, start, time, note] = [".stage", ".film-at", ".film-play", ".film-start", ".film-time", ".film-note"].map(one);
  const length = Number(film.dataset.seconds);
  const rate = Number(film.dataset.rate);
  const AHEAD = 2; // seconds before its time that a file is opened
  const DRIFT = 0.12; // seconds that a player may be off the clock before it is moved
  const PATIENCE = 4; // seconds that the clock waits for a file

  const items = [...film.querySelectorAll(".strip [data-begin]")].map(({ dataset }) => ({
    id: dataset.id,
    kind: dataset.kind,
    card: dataset.card,
    url: dataset.url,
    ducks: JSON.parse(dataset.ducks ?? "[]"),
    ...Object.fromEntries(["begin", "end", "source", "length", "gain", "dissolve", "fadeIn", "fadeOut"].map((name) => [name, Number(dataset[name])])),
  }));
  const pieces = items.filter((item) => item.kind !== "sound");
  // A player can't be louder than its file: the loudest is at its own level, the others below it.
  const loudest = Math.max(1, ...items.map((item) => item.gain));
  pieces.forEach((piece, place) => { piece.over = pieces[place + 1]?.dissolve ?? 0; });

  let at = 0;
  let running = false;
  let last = 0;
  let waited = 0;

  const part = (value) => Math.min(1, Math.max(0, value));
  const inside = (item) => item.begin <= at && at < item.end;
  const fading = (into, out, item) => Math.min(into ? part((at - item.begin) / into) : 1, out ? part((item.end - at) / out) : 1);
  const bend = (bends) => {
    const after = bends.findIndex(([when]) => when > at);
    if (after < 1) return bends.length && after < 0 ? bends.at(-1)[1] : 0;
    const [[from, low], [to, high]] = [bends[after - 1], bends[after]];
    return low + (high - low) * (at - from) / (to - from);
  };
  const level = (item) => {
    const clip = item.kind === "clip";
    const faded = clip ? Math.sin(fading(item.dissolve, item.over, item) * Math.PI / 2) : fading(item.fadeIn, item.fadeOut, item);
    return part(item.gain / loudest * faded * 10 ** (bend(item.ducks) / 20));
  };

  const address = (item) => {
    const player = item.card && document.getElementById(item.card).querySelector("video, audio, .still");
    return item.url ?? (player?.src || player?.href || player?.querySelector("img").src);
  };
  const opened = (item) => {
    if (item.node || item.kind === "slate") return item.node;
    const node = item.node = document.createElement({ clip: "video", sound: "audio" }[item.kind] ?? "img");
    node.addEventListener("error", () => { item.broken = true; });
    if (item.kind === "still") node.alt = "";
    else Object.assign(node, { preload: "auto", playsInline: true, muted: item.gain === 0 });
    node.dataset.id = item.id;
    node.style.zIndex = items.indexOf(item); // in a dissolve the one that comes is above
    node.src = address(item);
    one(".screen").append(node);
    return node;
  };
  const closed = (item) => {
    if (item.kind === "clip" || item.kind === "sound") { item.node.pause(); item.node.removeAttribute("src"); item.node.load(); }
    item.node.remove();
    item.node = null;
  };

  // Puts one player where the clock is; whether it is ready.
  const follow = (item, moving) => {
    const node = opened(item);
    const now = inside(item);
    if (!node) return true;
    if (item.kind !== "sound") node.style.opacity = now ? fading(item.dissolve || item.fadeIn, item.fadeOut, item) : 0;
    if (item.broken) return true;
    if (item.kind === "still") return node.complete;
    const since = Math.max(0, at - item.begin);
    const end = (node.duration || Infinity) - 0.01;
    const place = Math.min(item.source + (item.kind === "sound" ? since % item.length : since), end);
    if (!node.seeking && Math.abs(node.currentTime - place) > (moving && now ? DRIFT : 0.4 / rate)) node.currentTime = place;
    node.volume = level(item);
    if (moving && now && place < end) node.play().catch(() => {}); else node.pause();
    return node.readyState >= 2 && !node.seeking;
  };
  const show = (moving) => {
    let ready = true;
    for (const item of items) {
      if (item.begin - AHEAD <= at && at < item.end) ready = (follow(item, moving) || !inside(item)) && ready;
      else if (item.node) closed(item);
    }
    const current = pieces.findLast(inside);
    const lack = current?.broken ? `${current.id} can’t be played here` : current?.kind === "slate" ? current.id : "";
    note.hidden = !lack;
    if (note.textContent !== lack) note.textContent = lack;
    const clock = `${at.toFixed(1)} s of ${length.toFixed(1)} s`;
    bar.value = Math.round(at * rate);
    bar.setAttribute("aria-valuetext", `${clock}${current ? `, ${current.id}` : ""}`);
    time.value = clock;
    return ready;
  };

  const step = (now) => {
    if (!running) return;
    const passed = Math.min(0.1, (now - last) / 1000);
    last = now;
    const ready = show(waited === 0);
    waited = ready ? 0 : waited + passed;
    if (ready || waited > PATIENCE) at += passed;
    if (at >= length) { at = length; stop(); } else requestAnimationFrame(step);
  };
  const label = () => {
    play.textContent = running ? "Pause" : "Play";
    film.classList.toggle("running", running);
  };
  const stop = () => {
    running = false;
    stopOther = null;
    for (const { node } of items) node?.pause?.();
    if (at >= length) at = Math.max(0, length - 0.5 / rate); // the last picture stays
    settle();
    if (at > length - 1 / rate) bar.value = bar.max;
    label();
  };
  // While it stands still, until all that is on screen has come: a player takes a moment to get there.
  let settling = 0;
  const settle = () => { clearTimeout(settling); if (!running && !show(false)) settling = setTimeout(settle, 50); };
  const go = () => {
    stopOther?.(); // by itself: a film may begin with a picture, which has no player that tells of it
    stopOther = stop;
    for (const player of document.querySelectorAll("video, audio")) if (!stage.contains(player)) player.pause();
    if (at >= length - 1 / rate) at = 0;
    running = true;
    waited = 0;
    last = performance.now();
    film.classList.add("begun");
    label();
    requestAnimationFrame(step);
  };
  const toggle = () => (running ? stop() : go());
  play.addEventListener("click", toggle);
  start.addEventListener("click", () => { go(); bar.focus({ preventScroll: true }); });
  stage.addEventListener("click", (event) => { if (!start.contains(event.target)) toggle(); });
  bar.addEventListener("input", () => {
    at = Math.min(Number(bar.value) / rate, length - 0.5 / rate);
    film.classList.add("begun");
    if (running) show(true); else settle();
  });
  const everywhere = (name, act, capture = false) => document.addEventListener(name, act, { capture, signal: leaving.signal });
  everywhere("play", (event) => { if (running && !event.target.paused && !stage.contains(event.target)) stop(); }, true);
  everywhere("visibilitychange", () => { if (running && document.hidden) stop(); });
  everywhere("keydown", (event) => {
    if (event.defaultPrevented || event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const seen = stage.getBoundingClientRect();
    const free = event.target === document.body && seen.bottom > 0 && seen.top < innerHeight;
    if (event.target === bar || free) { event.preventDefault(); toggle(); }
  });
  if (place !== null) {
    at = Math.min(place, length - 0.5 / rate);
    film.classList.add("begun");
    settle();
  }
  films.set(film, {
    made,
    running: () => running,
    place: () => (film.classList.contains("begun") ? at : null),
    leave: () => { if (running) stop(); clearTimeout(settling); leaving.abort(); films.delete(film); },
  });
};
document.querySelectorAll(".film").forEach((film) => setUpFilm(film));
