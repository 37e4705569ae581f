// Marks on a canvas: where a path is, where it was lost, where a minimum lies.

function drawMark(context, shape, x, y, size) {
  const corners = { "^": [3, -90], v: [3, 90], "<": [3, 180], h: [6, 0], ">": [3, 0], D: [4, 0], s: [4, 45], p: [5, -90] }[shape];
  context.beginPath();
  if (shape === "X" || shape === "P") {
    const turn = shape === "X" ? Math.PI / 4 : 0;
    for (let k = 0; k < 12; k++) {
      const wide = k % 3 === 0 ? 0.42 : 1.1;
      const angle = turn + (Math.floor(k / 3) * Math.PI) / 2 + (k % 3 === 0 ? -Math.PI / 4 : (k % 3 === 1 ? -1 : 1) * 0.36);
      context.lineTo(x + size * wide * Math.cos(angle), y + size * wide * Math.sin(angle));
    }
  } else if (corners) {
    const [count, first] = corners;
    for (let k = 0; k < count; k++) {
      const angle = ((first + (360 * k) / count) * Math.PI) / 180;
      context.lineTo(x + 1.2 * size * Math.cos(angle), y + 1.2 * size * Math.sin(angle));
    }
  } else {
    context.arc(x, y, size, 0, 2 * Math.PI);
  }
  context.closePath();
}

function drawStar(context, x, y, size) {
  context.beginPath();
  for (let k = 0; k < 10; k++) {
    const reach = k % 2 ? 0.42 * size : size;
    const angle = (k * Math.PI) / 5 - Math.PI / 2;
    context.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
  }
  context.closePath();
}

function drawCross(context, x, y, size) {
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x - size, y + size);
  context.lineTo(x + size, y - size);
}

// Makes a canvas as sharp as the screen; returns its context in CSS pixels.
function sharpContext(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
