class SensitivityPanel {
  constructor(figure) {
    this.figure = figure;
    this.element = element("div");
  }

  draw(changed) {}
}

class BasinPanel {
  constructor(figure) {
    this.figure = figure;
    this.element = element("div");
  }

  draw(changed) {}
}
