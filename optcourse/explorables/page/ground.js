// The surface itself: losses on a grid, bands of equal loss, contour lines; or a curve, for one parameter.

const GRID = 181; // points per axis
const LEVELS = 14;

// Losses on a grid over the domain, row by row from the bottom.
function sampleLosses(model, domain, columns, rows) {
  const losses = new Float64Array(columns * rows);
  const params = new Float64Array(2);
  const [[left, right], [bottom, top]] = domain;
  for (let j = 0; j < rows; j++) {
    params[1] = bottom + ((top - bottom) * j) / (rows - 1);
    for (let i = 0; i < columns; i++) {
      params[0] = left + ((right - left) * i) / (columns - 1);
      losses[j * columns + i] = model.landscape(params);
    }
  }
  return losses;
}

// Levels as `plot_contours` has them: evenly in the logarithm of the height above the lowest loss; evenly in the
// loss itself where the lowest lies on the edge of the view and the view is not mostly flat.
function contourLevels(losses, columns, rows, known) {
  let place = 0;
  let lowest = Infinity;
  losses.forEach((loss, k) => {
    if (loss < lowest) [lowest, place] = [loss, k];
  });
  const column = place % columns;
  const row = (place - column) / columns;
  const inside = column > 0 && column < columns - 1 && row > 0 && row < rows - 1;
  const hasMinimum = known < lowest || inside;
  lowest = Math.min(lowest, known);
  const heights = losses.filter((loss) => Number.isFinite(loss) && loss > lowest).map((loss) => loss - lowest);
  if (!heights.length) return { lowest, levels: [] };
  heights.sort();
  const top = heights[heights.length - 1];
  if (!hasMinimum && heights[heights.length >> 1] > 0.01 * top) {
    return { lowest, levels: Array.from({ length: LEVELS }, (_, k) => lowest + (top * (k + 1)) / (LEVELS + 1)) };
  }
  const bottom = Math.max(heights[Math.floor(0.005 * heights.length)], 1e-200 * top);
  const levels = Array.from({ length: LEVELS }, (_, k) => lowest + bottom * (top / bottom) ** (k / LEVELS));
  return { lowest, levels: bottom < top ? levels : [lowest + bottom] };
}

function mix(low, high, share) {
  return low.map((value, k) => value + (high[k] - value) * share);
}

// Bands as a picture of one pixel per grid cell, to be drawn enlarged.
function bandPicture(losses, columns, rows, levels, low, high) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  const ramp = Array.from({ length: levels.length + 1 }, (_, k) => mix(low, high, k / Math.max(1, levels.length)));
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const loss = losses[j * columns + i];
      let band = 0;
      while (band < levels.length && !(loss <= levels[band])) band++;
      const at = 4 * ((rows - 1 - j) * columns + i);
      [picture.data[at], picture.data[at + 1], picture.data[at + 2]] = ramp[band];
      picture.data[at + 3] = 255;
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

// Marching squares: segments of the contour lines in grid coordinates, as one Path2D scaled to width x height.
function contourLines(losses, columns, rows, levels, width, height) {
  const lines = new Path2D();
  const sx = width / (columns - 1);
  const sy = height / (rows - 1);
  for (const level of levels) {
    for (let j = 0; j < rows - 1; j++) {
      for (let i = 0; i < columns - 1; i++) {
        const at = j * columns + i;
        const corners = [losses[at], losses[at + 1], losses[at + columns + 1], losses[at + columns]];
        const above = corners.map((loss) => loss > level);
        if (above[0] === above[1] && above[1] === above[2] && above[2] === above[3]) continue;
        if (!corners.every(Number.isFinite)) continue;
        const cuts = [];
        for (let edge = 0; edge < 4; edge++) {
          const next = (edge + 1) % 4;
          if (above[edge] === above[next]) continue;
          const share = (level - corners[edge]) / (corners[next] - corners[edge]);
          const [x0, y0] = [[0, 0], [1, 0], [1, 1], [0, 1]][edge];
          const [x1, y1] = [[0, 0], [1, 0], [1, 1], [0, 1]][next];
          cuts.push([(i + x0 + (x1 - x0) * share) * sx, height - (j + y0 + (y1 - y0) * share) * sy]);
        }
        for (let k = 0; k + 1 < cuts.length; k += 2) {
          lines.moveTo(...cuts[k]);
          lines.lineTo(...cuts[k + 1]);
        }
      }
    }
  }
  return lines;
}
