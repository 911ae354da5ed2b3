// Where a file came from is told with its trouble; a file that cannot be read any more is no bug of ours.
import { expect, test } from 'vitest';
import { Trouble } from '../../src/trouble.ts';
import { blaming } from '../../src/worker/blame.ts';

const throwing = (error: unknown) => () => Promise.reject(error);
const damage = { file: 'x', expected: 'a', got: 'b' };

test('damage is of the disk or of a fetch, and what is known already stays', async () => {
  for (const origin of ['disk', 'fetched'] as const) {
    const error = new Trouble('file-damaged', damage, 'x is damaged');
    await expect(blaming(origin, throwing(error))).rejects.toMatchObject({
      ...{ code: 'file-damaged', message: 'x is damaged', facts: { ...damage, origin } },
    });
  }
  const known = new Trouble('file-damaged', { ...damage, origin: 'disk' });
  await expect(blaming('fetched', throwing(known))).rejects.toBe(known);
});

test.each(['NotReadableError', 'NotFoundError'])(
  '%s of a file from the disk: it cannot be read any more (was a bug report)',
  async (name) => {
    const error = new DOMException('gone', name);
    await expect(blaming('disk', throwing(error), 'photo.safetensors')).rejects.toMatchObject({
      code: 'file-unreadable',
      facts: { file: 'photo.safetensors', origin: 'disk' },
    });
    await expect(blaming('fetched', throwing(error))).rejects.toBe(error);
  },
);

test('everything else goes through as it is', async () => {
  for (const error of [new Trouble('no-photos', {}), new Error('a bug'), new DOMException('stopped', 'AbortError')])
    await expect(blaming('disk', throwing(error))).rejects.toBe(error);
  expect(await blaming('disk', async () => 5)).toBe(5);
});
