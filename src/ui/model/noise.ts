// Where every picture begins: a small sheet of normally distributed noise, the same each time, painted into a canvas that CSS enlarges.
const side = 96; // px
let drawn: ImageData | null = null;

/** For `{@attach}`. */
export function noise(canvas: HTMLCanvasElement): void {
  canvas.width = canvas.height = side;
  drawn ??= sheet();
  canvas.getContext('2d')?.putImageData(drawn, 0, 0);
}

function sheet(): ImageData {
  const image = new ImageData(side, side);
  let state = 42;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let at = 0; at < image.data.length; at += 4) {
    // Sums of uniforms are near enough to normal for the eye; mostly grey, a little of each colour.
    const grey = random() + random() + random() + random() - 2;
    for (let channel = 0; channel < 3; channel++) image.data[at + channel] = 128 + 74 * grey + 56 * (random() - 0.5);
    image.data[at + 3] = 255;
  }
  return image;
}
