class TheoryPanel {
  constructor(figure) {
    this.figure = figure;
    this.element = element("div");
  }

  draw(changed) {}
}
