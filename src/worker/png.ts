// Decoded pixels in, a PNG out.

/** 3×H×W planes of about −1…1 → RGBA bytes, rounded and clamped as diffusers' `VaeImageProcessor` does. */
export function toRgba(pixels: Float32Array, height: number, width: number): Uint8ClampedArray<ArrayBuffer> {
  const plane = height * width;
  const rgba = new Uint8ClampedArray(plane * 4); // clamps, and rounds to nearest even as numpy does
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++)
      rgba[i * 4 + channel] = ((pixels[channel * plane + i] as number) / 2 + 0.5) * 255;
    rgba[i * 4 + 3] = 255;
  }
  return rgba;
}

export async function toPng(pixels: Float32Array, height: number, width: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser gives no 2d canvas to a worker');
  context.putImageData(new ImageData(toRgba(pixels, height, width), width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
