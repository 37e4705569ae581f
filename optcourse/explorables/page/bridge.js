// A figure's connection to Python in Colab, where each output is a frame of its own and may call functions of the
// kernel. (In JupyterLab it is a widget: `jupyter.js`.)

function connectToColab(figure) {
  const kernel = window.google?.colab?.kernel;
  if (!kernel?.accessAllowed) return; // not Colab, or an output of another session
  const call = async (...given) => {
    try {
      const reply = await kernel.invokeFunction(`optcourse.${figure.spec.id}`, given, {});
      return reply?.data?.["application/json"];
    } catch {
      return null; // the kernel was restarted: the figure goes on alone
    }
  };
  const text = () => JSON.stringify(figure.settings());
  let known = text();
  let asking = true;
  const tell = async () => {
    while (text() !== known) {
      known = text();
      await call(figure.settings());
    }
    asking = false;
  };
  // When a page is loaded again, its kernel still knows where the reader was.
  call().then((settings) => {
    if (settings && text() === known) {
      figure.restore(settings);
      known = text();
    }
    tell();
  });
  figure.listeners.push(() => {
    if (asking) return; // one call at a time; what comes meanwhile is told after it
    asking = true;
    tell();
  });
}
