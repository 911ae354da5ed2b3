// What a call threw, and where its files came from, in; the same trouble with that origin, so that the page offers what can be done, out.
import { type FileOrigin, Trouble, type TroubleCode } from '../trouble.ts';

/** DOMException names of a file that was changed, moved, unplugged or forbidden since it was chosen. */
const unreadable = ['NotReadableError', 'NotFoundError', 'NotAllowedError', 'SecurityError'];

const ofFiles: readonly TroubleCode[] = ['file-damaged', 'file-unreadable', 'model-incomplete'];

/** `file`: the one in question, for errors that do not name it. */
export async function blaming<T>(origin: FileOrigin, work: () => Promise<T>, file = ''): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw blamed(error, origin, file);
  }
}

function blamed(error: unknown, origin: FileOrigin, file: string): unknown {
  if (error instanceof Trouble) {
    if (!ofFiles.includes(error.code)) return error;
    const facts = error.facts as { origin?: FileOrigin };
    return facts.origin
      ? error
      : Object.assign(new Trouble(error.code, { ...error.facts, origin }, error.message), { stack: error.stack });
  }
  const lost = origin === 'disk' && error instanceof DOMException && unreadable.includes(error.name);
  return lost ? new Trouble('file-unreadable', { file, origin }, `${file}: ${error.message}`) : error;
}
