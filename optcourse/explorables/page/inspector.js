class InspectorPanel {
  constructor(figure) {
    this.figure = figure;
    this.element = element("div");
  }

  draw(changed) {}
}
