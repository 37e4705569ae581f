// What every live figure is: a shadow root, a theme, a width, and frames in which it is drawn.

// Its parts: `_layout(width, narrow)`, `repaint()` for another theme, `_draw(changed)`, `settings()`, `restore(settings)`,
// `describe()`.
class Live {
  constructor(host, spec) {
    this.host = host;
    this.spec = spec;
    this.theme = THEMES[isDark() ? "dark" : "light"];
    this.shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    this.listeners = [];
  }

  _begin(...parts) {
    this.live = element("p", { class: "hidden", "aria-live": "polite" });
    this.root = element("section", { class: "figure", "aria-label": `Live figure: ${this.spec.title}` }, ...parts, this.live);
    const style = element("style");
    style.textContent = STYLE;
    this.shadow.replaceChildren(style, this.root);
    this._applyTheme();
    // It hears of leaving the page and of coming back, too: notebooks take outputs off and put them on again.
    new ResizeObserver(() => {
      this._listen(this.host.isConnected);
      this._resize();
    }).observe(this.host);
    this._listen(true);
    this._resize();
    this.recompute();
  }

  // Listen to the page, or stop: what listens is never forgotten.
  _listen(on) {
    if (on === Boolean(this.listening)) return;
    this.listening?.abort();
    this.listening = on ? new AbortController() : null;
    if (!on) return;
    const { signal } = this.listening;
    const repaint = () => {
      this._applyTheme();
      this.repaint();
      this.redraw();
    };
    onThemeChange(repaint, signal);
    const follow = () => {
      const settings = settingsInAddress(this.spec.id);
      if (settings) this.restore(settings);
    };
    window.addEventListener("hashchange", follow, { signal });
  }

  _applyTheme() {
    this.theme = THEMES[isDark() ? "dark" : "light"];
    this.root.dataset.theme = this.theme === THEMES.dark ? "dark" : "light";
    for (const name of ["ink", "faint", "rule", "paper", "soft", "accent"]) this.root.style.setProperty(`--${name}`, this.theme[name]);
  }

  _resize() {
    const width = this.host.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    const narrow = width < 560;
    this.root.classList.toggle("narrow", narrow);
    this._layout(width - 2, narrow);
    this.redraw();
  }

  // Called as often as a pointer moves; drawn once per frame.
  recompute() {
    this.stale = true;
    this.redraw();
  }

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      const changed = this.stale;
      this.stale = false;
      this._draw(changed);
      this.drawn = true;
      this._tell();
    });
  }

  // Soon, the settings for listeners; once the reader has stopped moving, the result in words for screen readers.
  _tell() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.live.textContent = this.describe()), 400);
    this.telling ??= setTimeout(() => {
      this.telling = null;
      const settings = this.settings();
      for (const listener of this.listeners) listener(settings);
      this.host.dispatchEvent(new CustomEvent("optcourse:change", { bubbles: true, detail: { id: this.spec.id, settings } }));
    }, 60);
  }
}
