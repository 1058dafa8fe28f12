"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const root = document.documentElement;

  // --- light and dark
  const toggle = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const remembered = (value) => {
    try {
      if (value) localStorage.setItem("interlock-theme", value);
      return localStorage.getItem("interlock-theme");
    } catch {
      return null; // storage may be forbidden; then the choice lasts as long as the page
    }
  };
  const named = () => {
    toggle.textContent = dark() ? "Light" : "Dark";
  };
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  toggle.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remembered(root.dataset.theme);
    named();
  });
  system.addEventListener("change", named);
  named();

  // --- heat map
  const heat = document.getElementById("heat");
  const detail = document.getElementById("detail");
  const rows = () => [...heat.querySelectorAll("tbody:not([hidden]) tr")];
  const all = [...heat.querySelectorAll("tbody tr")];
  const VERDICT = -1;
  const place = (cell) => ({ row: all.indexOf(cell.parentNode) + VERDICT, at: cell.cellIndex - 1 });
  const cell = (row, at) => all[row - VERDICT].cells[at + 1];
  const name = (row) => (row === VERDICT ? "verdict" : facts.columns[row]);
  const within = (load, row) => load.found.filter((found) => row === VERDICT || found[0].includes(row));
  let stop = null;

  const reach = (target) => {
    if (stop) stop.tabIndex = -1;
    stop = target;
    stop.tabIndex = 0;
    const { row, at } = place(target);
    const said = target.textContent || (row === VERDICT ? "passed" : "nothing broke");
    target.setAttribute("aria-label", `${name(row)}, ${facts.labels[at]}: ${said}`);
  };

  const make = (tag, text, more = {}) => {
    const made = document.createElement(tag);
    if (text !== null) made.textContent = text;
    Object.assign(made, more);
    return made;
  };

  const finding = (found) => {
    const [, severity, observed, expected, constraint, score, since, blocks] = found;
    const line = make("tr", null);
    const loud = make("td", null);
    loud.append(make("span", severity === "info" ? "note" : severity, { className: `badge ${severity}` }));
    if (blocks) loud.append(" blocks");
    line.append(loud, make("td", observed));
    for (const [title, text] of [["expected", expected], ["constraint", constraint], ["since", since], ["score", score]]) {
      const made = make("td", text);
      made.dataset.name = title;
      line.append(made);
    }
    return line;
  };

  const table = (found) => {
    const made = make("table", null);
    const head = make("tr", null);
    for (const title of ["", "observed", "expected", "constraint", "since", "score"]) {
      head.append(make("th", title, { scope: "col" }));
    }
    made.append(make("thead", null), make("tbody", null));
    made.tHead.append(head);
    made.tBodies[0].append(...found.map(finding));
    return made;
  };

  const load = (one, row) => {
    const made = make("div", null, { className: "load" });
    made.append(make("p", `${one.rows.toLocaleString("en")} rows, came ${one.when}: ${one.what}`, { className: "meta" }));
    if (row === VERDICT) {
      for (const [severity, title] of one.alerts || []) {
        const line = make("p", null);
        line.append(make("span", severity === "info" ? "note" : severity, { className: `badge ${severity}` }), ` ${title}`);
        made.append(line);
      }
    }
    const found = within(one, row);
    if (found.length) made.append(table(found));
    else if (!one.more) made.append(make("p", "Nothing broke here."));
    if (one.more) made.append(make("p", `This load broke ${one.more.toLocaleString("en")} more that this page does not hold.`, { className: "meta" }));
    if (row === VERDICT) made.append(...(one.notes || []).map((note) => make("p", note, { className: "meta" })));
    return made;
  };

  const step = (words, row, at) => {
    const made = make("button", words, { type: "button", className: "quiet", disabled: !facts.labels[at] });
    made.addEventListener("click", () => {
      show(cell(row, at));
      detail.querySelectorAll("button")[words === "‹ earlier" ? 0 : 1].focus();
    });
    return made;
  };

  const show = (target) => {
    const { row, at } = place(target);
    heat.querySelector(".chosen")?.classList.remove("chosen");
    target.classList.add("chosen");
    reach(target);
    const head = make("header", null);
    head.append(make("h3", `${name(row)} · ${facts.labels[at]}`), step("‹ earlier", row, at - 1), step("later ›", row, at + 1));
    detail.replaceChildren(head, ...facts.loads[at].map((one) => load(one, row)));
    detail.hidden = false;
    target.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
    detail.scrollIntoView({ block: "nearest" });
  };

  const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9], End: [0, 1e9] };
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  heat.addEventListener("keydown", (event) => {
    const target = event.target.closest("tbody td");
    if (!target) return;
    if (event.key === "Enter" || event.key === " ") show(target);
    else if (event.key in move) {
      const [down, right] = move[event.key];
      const open = rows();
      const row = open[clamp(open.indexOf(target.parentNode) + down, open.length - 1)];
      const next = row.cells[clamp(target.cellIndex - 1 + right, facts.labels.length - 1) + 1];
      reach(next);
      next.focus();
    } else return;
    event.preventDefault();
  });
  heat.addEventListener("click", (event) => {
    const target = event.target.closest("tbody td");
    if (target) show(target);
  });
  heat.addEventListener("pointerover", (event) => {
    const target = event.target.closest("tbody td");
    if (target && !target.title) {
      const { row, at } = place(target);
      target.title = `${name(row)} · ${facts.labels[at]}${target.textContent ? `: ${target.textContent}` : ""}`;
    }
  });
  reach(cell(VERDICT, facts.labels.length - 1));
  const scroll = document.getElementById("scroll");
  scroll.scrollLeft = scroll.scrollWidth;

  document.getElementById("newest")?.addEventListener("click", () => {
    const broken = facts.loads.findLastIndex((loads) => loads.some((one) => one.found.length || one.more));
    show(cell(VERDICT, broken));
  });
  const more = document.getElementById("more");
  more?.addEventListener("click", () => {
    document.getElementById("folded").hidden = false;
    more.hidden = true;
  });

  // --- on paper everything is open
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });
})();
