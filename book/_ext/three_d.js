// Figures to turn: a still with a button. Only a reader who presses it loads plotly.js, once for the page.
(() => {
  "use strict";
  const { src, dataset } = document.currentScript;
  const PLOTLY = new URL(dataset.plotly, src).href;
  const TURN = Math.PI / 12;
  let loading = null;

  function load() {
    loading ??= new Promise((done, failed) => {
      const script = element("script", { src: PLOTLY });
      script.onload = () => (window.Plotly ? done(window.Plotly) : failed());
      script.onerror = () => failed();
      document.head.append(script);
    }).catch((error) => {
      loading = null; // so that a second press tries again
      throw error;
    });
    return loading;
  }

  function element(name, properties = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }

  function hasWebGL() {
    const context = document.createElement("canvas").getContext("webgl");
    context?.getExtension("WEBGL_lose_context")?.loseContext(); // a page may hold few of them
    return Boolean(context);
  }

  const isDark = () => {
    const said = document.documentElement.dataset.theme;
    return said ? said === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  };

  // A copy of `value` with the changes of `patch`, as deep as both are objects.
  function patched(value, patch) {
    const result = { ...value };
    for (const [key, change] of Object.entries(patch)) {
      const deeper = change && typeof change === "object" && !Array.isArray(change);
      result[key] = deeper ? patched(value[key], change) : change;
    }
    return result;
  }

  class Surface3D {
    constructor(host) {
      this.host = host;
      this.still = host.querySelector("img");
      this.figure = JSON.parse(host.querySelector("script").textContent);
      host.querySelector("p").remove(); // what it says is for places where this script does not run
      this.frame = element("div", { class: "frame" });
      this.still.before(this.frame);
      this.frame.append(this.still);
      this.start = element("button", { type: "button", onclick: () => this.turn() }, "Turn it in 3-D");
      this.status = element("span", { class: "status", role: "status" });
      this.controls = element("div", { class: "controls", role: "group", "aria-label": "The view" }, this.start, this.status);
      host.append(this.controls);
    }

    async turn() {
      if (this.busy) return;
      this.busy = true;
      try {
        if (!hasWebGL()) throw new Error("This browser cannot draw in 3-D: WebGL is missing or switched off.");
        this.say("Loading …");
        const Plotly = await load().catch(() => {
          throw new Error("The 3-D view could not be loaded.");
        });
        await this.draw(Plotly);
      } catch (error) {
        this.rest();
        this.say(`${error.message} The picture stays still.`);
      }
      this.busy = false;
    }

    async draw(Plotly) {
      const { alt, dark } = this.figure.layout.meta;
      this.place = element("div", { class: "plot", role: "img", "aria-label": alt });
      for (const name of ["touchstart", "touchmove", "touchend"]) {
        this.place.addEventListener(name, (event) => event.stopPropagation(), { capture: true, passive: true });
      }
      this.frame.append(this.place);
      const themed = () => {
        if (!isDark()) return [this.figure.data, this.figure.layout];
        return [this.figure.data.map((trace, k) => patched(trace, dark.data[k])), patched(this.figure.layout, dark.layout)];
      };
      // Plotly writes into what it is given.
      const fresh = () => {
        const [data, layout] = structuredClone(themed());
        layout.scene.dragmode = false; // see `grab`
        delete layout.height; // which is for notebooks
        return [data, layout];
      };
      await Plotly.newPlot(this.place, ...fresh(), this.figure.config);
      this.place.addEventListener("pointerdown", (event) => this.grab(event));
      this.Plotly = Plotly;
      this.frame.classList.add("turned");
      this.watching = new MutationObserver(() => {
        const [data, layout] = fresh();
        layout.scene.camera = this.camera();
        Plotly.react(this.place, data, layout, this.figure.config);
      });
      this.watching.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
      this.resizing = new ResizeObserver(() => this.place && Plotly.Plots.resize(this.place));
      this.resizing.observe(this.frame);
      const button = (text, label, press) =>
        element("button", { type: "button", "aria-label": label, title: label, onclick: press }, text);
      const buttons = [
        button("←", "Turn left", () => this.move(TURN, 0)),
        button("→", "Turn right", () => this.move(-TURN, 0)),
        button("↑", "Look from higher", () => this.move(0, TURN)),
        button("↓", "Look from lower", () => this.move(0, -TURN)),
        button("+", "Closer", () => this.move(0, 0, 1 / 1.2)),
        button("−", "Farther", () => this.move(0, 0, 1.2)),
        element("button", { type: "button", onclick: () => this.reset() }, "Reset"),
        element("button", { type: "button", onclick: () => this.rest(true) }, "Still picture"),
      ];
      this.controls.replaceChildren(...buttons, this.status);
      this.say("Drag it, or use the buttons.");
      buttons[0].focus({ preventScroll: true });
    }

    camera() {
      return structuredClone(this.place.layout.scene.camera);
    }

    // The camera around its centre: by an angle to the side, by one upwards, and by a factor away.
    move(aside, up, away = 1) {
      const camera = this.camera();
      const { eye, center } = camera;
      const [x, y, z] = ["x", "y", "z"].map((axis) => eye[axis] - center[axis]);
      const far = Math.min(Math.max(away * Math.hypot(x, y, z), 0.8), 5);
      const around = Math.atan2(y, x) + aside;
      const height = Math.min(Math.max(Math.asin(z / Math.hypot(x, y, z)) + up, -1.5), 1.5);
      eye.x = center.x + far * Math.cos(height) * Math.cos(around);
      eye.y = center.y + far * Math.cos(height) * Math.sin(around);
      eye.z = center.z + far * Math.sin(height);
      this.Plotly.relayout(this.place, { "scene.camera": camera });
    }

    // Plotly's own dragging runs ahead where frames take long, and keeps a finger from scrolling the page.
    grab(event) {
      if (event.button > 0) return;
      const { place } = this;
      const ends = new AbortController();
      let [x, y, waits] = [event.clientX, event.clientY, null];
      place.setPointerCapture(event.pointerId);
      const follow = (moved) => {
        waits ??= requestAnimationFrame(() => {
          const size = Math.PI / place.clientHeight;
          waits = null;
          if (this.place) this.move((x - moved.clientX) * size, (moved.clientY - y) * size);
          [x, y] = [moved.clientX, moved.clientY];
        });
      };
      place.addEventListener("pointermove", follow, { signal: ends.signal });
      for (const end of ["pointerup", "pointercancel"]) place.addEventListener(end, () => ends.abort(), { signal: ends.signal });
    }

    reset() {
      this.Plotly.relayout(this.place, { "scene.camera": structuredClone(this.figure.layout.scene.camera) });
    }

    // Back to the picture; what 3-D needs is given back.
    rest(asked = false) {
      this.watching?.disconnect();
      this.resizing?.disconnect();
      if (this.place) this.Plotly?.purge(this.place);
      this.place?.remove();
      this.place = null;
      this.frame.classList.remove("turned");
      this.controls.replaceChildren(this.start, this.status);
      this.say("");
      if (asked) this.start.focus({ preventScroll: true });
    }

    say(text) {
      this.status.textContent = text;
    }
  }

  for (const host of document.querySelectorAll("[data-surface-3d]:has(> script)")) host.optcourse = new Surface3D(host);
})();
