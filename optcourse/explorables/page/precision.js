class PrecisionPanel {
  constructor(figure) {
    this.figure = figure;
    this.element = element("div");
  }

  draw(changed) {}
}
