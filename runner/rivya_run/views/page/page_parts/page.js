"use strict";
const page = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  document.documentElement.classList.add("scripted");

  let shots = [];
  const read = () => {
    const contacts = new Map(all("#contacts a").map((link) => [link.getAttribute("href"), link.parentElement]));
    shots = all(".shot").map((node) => ({
      node,
      scene: node.dataset.scene,
      tags: JSON.parse(node.dataset.tags),
      takes: all(".take:not(.own)", node),
      text: null,
      contact: contacts.get("#" + node.id) ?? node,
    }));
  };
  const find = one("#find");

  // Filters: a take stays when it fits all of them; a shot or scene goes when none of its takes stay.
  const words = (shot) => (shot.text ??= (shot.scene + " " + shot.tags.join(" ") + " " + shot.node.textContent).toLowerCase());
  const filter = () => {
    const wanted = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = all("input[name=status]:checked").map((box) => box.value);
    const scene = one("#scene")?.value ?? "";
    const tag = one("#tag")?.value ?? "";
    const only = one("#only-chosen").checked;
    let seen = 0;
    let total = 0;
    for (const shot of shots) {
      const fits = (!scene || "=" + shot.scene === scene) && (!tag || shot.tags.includes(tag))
        && wanted.every((word) => words(shot).includes(word));
      let stays = 0;
      for (const take of shot.takes) {
        const hide = !fits || (statuses.length > 0 && !statuses.includes(take.dataset.status))
          || (only && !take.classList.contains("chosen"));
        if (take.hidden !== hide) take.hidden = hide;
        stays += hide ? 0 : 1;
      }
      const gone = shot.takes.length ? stays === 0 : !fits;
      if (shot.node.hidden !== gone) shot.node.hidden = shot.contact.hidden = gone;
      seen += stays;
      total += shot.takes.length;
    }
    for (const node of all(".scene")) node.hidden = !one(".shot:not([hidden])", node);
    one("#found").value = seen === total ? `${total} takes` : `${seen} of ${total} takes`;
    one("#nothing-found").hidden = total === 0 || seen > 0;
  };
  const clear = () => { one(".tools").reset(); filter(); };
  one(".tools").addEventListener("input", filter);
  one(".tools").addEventListener("submit", (event) => event.preventDefault());
  one("#clear").addEventListener("click", clear);

  // Picker of a page from disk: what to write into the storyboard for every shot whose pick was changed here. What is
  // made of one shot in the file shares a line there, which keeps the picks of the others.
  const panel = one("#picks");
  const showPicks = () => {
    if (!panel) return;
    const changed = all("input.pick").filter((box) => box.checked && !box.defaultChecked);
    const lines = new Map();
    for (const box of changed) {
      const { shot } = box.dataset;
      const { together } = box.closest(".shot").dataset;
      const picks = together ? JSON.parse(together) : null;
      const place = picks ? Object.keys(picks)[0] : shot;
      const line = lines.get(place) ?? { shots: [], picks, take: box.value };
      line.shots.push(shot);
      if (line.picks) line.picks[shot] = Number(box.value);
      lines.set(place, line);
    }
    const written = [...lines.values()].map(({ shots: made, picks, take }) => {
      const said = picks && Object.entries(picks).filter(([, number]) => number).map(([id, number]) => `${id}: ${number}`);
      return `    pick: ${said ? `{${said.join(", ")}}` : take}  # ${made.join(", ")}`;
    });
    const commands = changed.map((box) => box.dataset.command).filter(Boolean);
    for (const [name, rows] of [["text", written], ["commands", commands]]) {
      one("#picks-" + name).value = rows.join("\n");
      one("#picks-" + name).rows = Math.min(8, Math.max(2, rows.length));
    }
    one("#picks-or").hidden = commands.length === 0;
    one("#picks-count").textContent = changed.length === 1 ? "1 pick changed." : `${changed.length} picks changed.`;
    panel.hidden = changed.length === 0;
  };
  const choose = (box) => {
    if (!box) return;
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("input.pick")) { showPicks(); decided(); }
    if (event.target.matches("input.compare")) countMarked();
  });
  const resetPicks = () => {
    for (const box of all("input.pick")) box.checked = box.defaultChecked;
    showPicks();
    decided();
  };
  one("#reset-picks")?.addEventListener("click", resetPicks);

  // Copy buttons.
  const copy = async (button) => {
    const field = button.dataset.copyFrom ? one("#" + button.dataset.copyFrom) : null;
    const text = field ? field.value + "\n" : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = field ?? document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
      box.select();
      document.execCommand("copy");
      if (!field) box.remove();
    }
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1200);
  };

  // Comparison: copies of the marked players side by side, moved together.
  const dialog = one("#compare");
  const marked = () => all("input.compare:checked").map((box) => box.closest(".take"));
  const countMarked = () => {
    const count = marked().length;
    one("#open-compare").disabled = count < 2;
    one("#open-compare").textContent = count ? `Compare ${count}` : "Compare";
  };
  const players = () => all("video", dialog);
  const compare = (takes) => {
    const columns = takes.map((take) => {
      const media = one("video, .still img", take)?.cloneNode();
      if (!media) return null;
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const title = document.createElement("strong");
      title.textContent = `${take.dataset.shot}, take ${take.dataset.take}`;
      const facts = document.createElement("small");
      facts.textContent = " " + (one(".facts", take)?.textContent ?? "");
      caption.append(title, facts);
      if (media.tagName === "IMG") media.src = one(".still", take).href;
      figure.append(media, caption, Object.assign(document.createElement("p"), { className: "deciding" }));
      figure.dataset.key = take.dataset.key;
      return figure;
    }).filter(Boolean);
    if (columns.length < 1) return;
    one("#compared").replaceChildren(...columns);
    decided();
    players().forEach((player, place) => { player.preload = "auto"; player.muted = place > 0; });
    dialog.showModal();
  };
  // What can be decided of a take can be decided beside its copy too.
  const decided = () => {
    for (const figure of all("figure", dialog)) {
      const take = all(".take").find(({ dataset }) => dataset.key === figure.dataset.key);
      const controls = take ? all("input.pick, button.approve", take) : [];
      const place = one(".deciding", figure);
      controls.forEach((control, number) => {
        const button = place.children[number] ?? place.appendChild(Object.assign(document.createElement("button"), { type: "button" }));
        const pick = control.matches(".pick");
        const text = pick ? "Pick" : control.firstChild.data;
        if (button.textContent !== text) button.textContent = text;
        button.disabled = control.disabled;
        if (pick) button.setAttribute("aria-pressed", control.checked); else button.removeAttribute("aria-pressed");
        button.onclick = () => { if (pick) choose(control); else control.click(); };
      });
      while (place.children.length > controls.length) place.lastChild.remove();
    }
  };
  const together = (act) => players().forEach(act);
  const playAll = () => {
    const paused = players().every((player) => player.paused || player.ended);
    together((player) => { if (paused) player.play().catch(() => {}); else player.pause(); });
  };
  one("#play-all").addEventListener("click", playAll);
  one("#restart").addEventListener("click", () => together((player) => { player.currentTime = 0; player.play().catch(() => {}); }));
  for (const button of all("[data-step]", dialog)) {
    button.addEventListener("click", () => together((player) => { player.pause(); player.currentTime += Number(button.dataset.step) / 24; }));
  }
  for (const name of ["play", "pause", "ended"]) {
    dialog.addEventListener(name, () => { one("#play-all").textContent = players().some((player) => !player.paused && !player.ended) ? "Pause all" : "Play all"; }, true);
  }
  one("#close-compare").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => one("#compared").replaceChildren());
  one("#open-compare").addEventListener("click", () => compare(marked()));
  one("#open-keys").addEventListener("click", () => one("#keys").showModal());

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches(".copy")) copy(button);
    if (button?.matches(".side")) compare(all(".take", button.closest(".shot")));
  });
  // One player at a time, except side by side and in the film. An event comes after what it tells: a player that is
  // paused by then stops no other, and one that plays though its own event is still to come began later than this one.
  const group = (player) => player.closest("#compare, .stage") ?? player;
  const begun = new WeakSet();
  for (const name of ["play", "pause", "ended"]) {
    document.addEventListener(name, (event) => { event.target.parentElement.classList.toggle("playing", name === "play"); }, true);
  }
  document.addEventListener("pause", ({ target }) => begun.delete(target), true);
  document.addEventListener("play", ({ target }) => {
    if (target.paused) return;
    for (const player of all("video, audio")) if (begun.has(player) && group(player) !== group(target)) player.pause();
    begun.add(target);
  }, true);

  // Keys.
  const current = () => document.activeElement?.closest?.(".take");
  const go = (node) => {
    if (!node) return;
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  };
  const step = (nodes, at, by) => nodes[at < 0 ? (by > 0 ? 0 : nodes.length - 1) : Math.min(nodes.length - 1, Math.max(0, at + by))];
  const nextTake = (by) => {
    const takes = all("#board .take:not([hidden])").filter((take) => !take.closest("[hidden]"));
    go(step(takes, takes.indexOf(current()), by));
  };
  const nextShot = (by) => {
    const open = shots.filter((shot) => !shot.node.hidden && shot.takes.length);
    const shot = step(open, open.findIndex(({ node }) => node.contains(current() ?? null)), by);
    go(shot?.takes.find((take) => !take.hidden));
  };
  const play = (take) => {
    const player = take && one("video, audio", take);
    if (player) { if (player.paused) player.play().catch(() => {}); else player.pause(); }
  };
  const keys = {
    j: () => nextTake(1),
    k: () => nextTake(-1),
    n: () => nextShot(1),
    b: () => nextShot(-1),
    " ": () => play(current()),
    p: () => choose(current() && one("input.pick", current())),
    a: () => { if (current()) one("button.approve", current())?.click(); },
    c: () => { const box = current() && one("input.compare", current()); if (box) box.click(); },
    v: () => { const takes = marked(); compare(takes.length > 1 ? takes : all(".take", current()?.closest(".shot") ?? document.createElement("p"))); },
    "/": () => find.focus(),
    "?": () => one("#keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (event.key === "Escape" && target === find) { find.value = ""; filter(); find.blur(); return; }
    if (one("dialog[open]")) {
      if (event.key === " " && dialog.open && !target.matches("button, video")) { event.preventDefault(); playAll(); }
      return;
    }
    if (target.matches("input:not([type=radio], [type=checkbox]), select, textarea")) return;
    if (event.key === " " && target.matches("button, input, summary, video, audio, a")) return;
    let act = keys[event.key];
    if (/^[1-9]$/.test(event.key)) {
      const shot = current()?.closest(".shot");
      act = shot && (() => choose(all("input.pick", shot).find((box) => box.value === event.key)));
    }
    if (act && (event.key !== " " || current())) { event.preventDefault(); act(); }
  });

  // After the page has changed, and at its begin.
  const renewed = () => { read(); filter(); countMarked(); decided(); };
  renewed();
  showPicks();
  return { all, one, renewed, resetPicks };
})();
