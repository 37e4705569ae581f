// The page's end of a figure's connection to Python in JupyterLab: a widget that is never displayed. It is no part of
// the runtime: it comes with the widget, and finds the figures of its name whichever comes first.

const text = (figure) => JSON.stringify(figure.settings());

export default {
  initialize({ model }) {
    const name = model.get("name");
    const known = new WeakMap(); // by figure: its settings when it last agreed with the model
    let resting;

    const show = (figure) => {
      if (text(figure) !== JSON.stringify(model.get("settings"))) figure.restore(model.get("settings"));
      known.set(figure, text(figure));
    };
    const figures = () =>
      [...document.querySelectorAll(`[data-optcourse="${CSS.escape(name)}"]`)]
        .filter((host) => host.optcourse && !isElsewhere(host, model))
        .map((host) => host.optcourse);
    const showAll = () => figures().forEach(show);

    const mounted = ({ target, detail }) => {
      if (detail.id === name && !isElsewhere(target, model)) show(target.optcourse);
    };
    const changed = ({ target, detail }) => {
      const figure = target.closest("[data-optcourse]")?.optcourse;
      if (detail.id !== name || !figure || isElsewhere(target, model)) return;
      // What was just restored is no news; without this, two views that cannot agree would never come to rest.
      if (text(figure) === known.get(figure)) return;
      known.set(figure, text(figure));
      model.set("settings", figure.settings());
      model.save_changes(); // held back while the kernel is busy with the one before
      clearTimeout(resting);
      // So the last word is said again past that: a cell that is run now must find it.
      resting = setTimeout(() => model.send({ settings: model.get("settings") }), 100);
    };

    showAll();
    model.on("change:settings", showAll);
    document.addEventListener("optcourse:mount", mounted);
    document.addEventListener("optcourse:change", changed);
    return () => {
      clearTimeout(resting);
      document.removeEventListener("optcourse:mount", mounted);
      document.removeEventListener("optcourse:change", changed);
    };
  },
};

// Several notebooks may be open on one page, each with a kernel of its own, and show the same figure.
function isElsewhere(node, model) {
  const path = model.widget_manager?.context?.path?.replace(/^[^/]*:/, "");
  const panel = node.closest(".jp-NotebookPanel");
  const tab = path && panel && document.querySelector(`[data-id="${CSS.escape(panel.id)}"]`);
  return Boolean(tab?.title) && !tab.title.split("\n").some((line) => line.endsWith(`: ${path}`));
}
