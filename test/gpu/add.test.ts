import { expect, test } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { add } from '../../src/ops/add.ts';
import { testDevice } from './device.ts';
import { runGraph } from './run-op.ts';

test.each(['f32', 'f16'] as const)('add, %s', async (dtype) => {
  const device = await testDevice();
  const g = new Graph(dtype);
  for (const width of [8, 6, 5]) {
    const a = g.tensor('a', [3, width], 'temp', dtype);
    const b = g.tensor('b', [3, width], 'temp', dtype);
    const { y } = g.emit(add, { a, b });
    const av = Array.from({ length: 3 * width }, (_, i) => i / 4);
    const out = await runGraph(
      device,
      g,
      new Map([
        [a, av],
        [b, av.map((v) => 1 - v / 2)],
      ]),
    );
    expect([...(await out.read(y!))]).toEqual(av.map((v) => 1 + v / 2));
    g.nodes.length = 0;
  }
});
