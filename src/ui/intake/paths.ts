// Paths of dropped files in; their parts out, and a form in which two spellings of one name are equal.

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
/** '' for a file that was dropped by itself. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
/** `IMG_1` of `IMG_1.png`; a name that only begins with a dot has no ending. */
export const stemOf = (name: string): string => name.replace(/(?<=.)\.[^.]*$/, '');

/**
 * Case and Unicode form away: Windows and macOS take `Été.PNG` and `ÉTÉ.png` for one file, and macOS hands names out decomposed. Lower, then
 * upper case is as good as full case folding: ß is SS, every sigma is Σ.
 */
export const folded = (path: string): string => path.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC');
