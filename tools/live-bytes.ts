// A GPUDevice in; the bytes of all buffers alive on it, now and at most, out: counted at createBuffer and destroy, whoever calls them.

export interface LiveBytes {
  readonly live: number;
  readonly peak: number;
}

/** Wraps the device's createBuffer. Buffers that exist already are not counted; one that is never destroyed stays counted. */
export function countLiveBytes(device: GPUDevice): LiveBytes {
  const count = { live: 0, peak: 0 };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    let alive = true;
    count.live += buffer.size;
    count.peak = Math.max(count.peak, count.live);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      if (alive) count.live -= buffer.size;
      alive = false;
      return destroy();
    };
    return buffer;
  };
  return count;
}
