// The sizes beyond which a document is refused or cut. One place, so that their relation can be seen at a glance.

const mebi = 1024 * 1024

/** Bytes of a file, as read from disk or uploaded. */
export const documentBytesMax: number = 50 * mebi
/** Bytes all parts of a zip may have together once inflated. */
export const inflatedBytesMax: number = 200 * mebi
/** Inflated bytes for one byte of zip, beyond 10 MiB; real documents stay below 30. */
export const inflationRatioMax = 100
/** Parts in a zip. */
export const zipEntriesMax = 10_000
/** Characters of text; what is longer is cut, and says so. */
export const textCharsMax = 4_000_000
/** Pages of a PDF that are read; the rest is cut, and says so. */
export const pagesMax = 5_000
