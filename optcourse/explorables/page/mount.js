// Finds the figures of a page and brings them to life, whichever comes first, they or this script.

const PANELS = [
  { name: "schedule", title: "Learning rate over the steps", make: (figure) => new SchedulePanel(figure) },
  { name: "inspector", title: "Look at one step", make: (figure) => new InspectorPanel(figure) },
  { name: "theory", title: "Theory at this point", make: (figure) => new TheoryPanel(figure) },
  { name: "sensitivity", title: "Sensitivity map: the last loss over two settings", make: (figure) => new SensitivityPanel(figure) },
  { name: "phase", title: "Phase diagram: how fast each setting converges", make: (figure) => new PhasePanel(figure) },
  { name: "basins", title: "Basin map: where each start ends", make: (figure) => new BasinPanel(figure) },
  { name: "precision", title: "Number formats side by side", make: (figure) => new PrecisionPanel(figure) },
  { name: "share", title: "Take it with you", make: (figure) => new SharePanel(figure) },
];

// A figure wakes up when the reader comes near it; one that a link points to, at once.
function mount(figure) {
  for (const host of document.querySelectorAll(`[data-figure="${figure.digest}"]`)) {
    if (host.optcourseWaits) continue;
    host.optcourseWaits = true;
    const linked = settingsInAddress(figure.id) !== null;
    if (linked) host.scrollIntoView({ block: "center" });
    if (linked || !window.IntersectionObserver) {
      wake(host, figure);
      continue;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        wake(host, figure);
      },
      { rootMargin: "600px" },
    );
    observer.observe(host);
  }
}

function wake(host, { id, spec, functions, settings }) {
  const place = host.querySelector(".live") ?? host.appendChild(element("div", { class: "live" }));
  host.optcourse = new (spec.surface ? Figure : Chart)(place, spec, functions(NUMBERS), settings);
  host.querySelector(".still")?.setAttribute("hidden", "");
  if (spec.surface) connectToColab(host.optcourse);
  host.dispatchEvent(new CustomEvent("optcourse:mount", { bubbles: true, detail: { id } }));
}

// In JupyterLab a digit typed into a figure would make its cell a heading. Ctrl-S remains JupyterLab's.
const keepKey = ({ target, ctrlKey, metaKey }) => {
  target.closest?.("[data-optcourse] .live")?.toggleAttribute("data-lm-suppress-shortcuts", !ctrlKey && !metaKey);
};
window.addEventListener("keydown", keepKey, true);

const queue = window[QUEUE];
window[QUEUE] = { push: mount };
if (Array.isArray(queue)) queue.forEach(mount);
