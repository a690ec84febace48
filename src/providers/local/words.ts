// Words of any language, folded so that the same word compares equal. Scripts without spaces go through ICU's dictionary.

const wordPattern = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu
const spacelessScript =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const segmenter = new Intl.Segmenter('und', { granularity: 'word' })

/** The words of a text in order, in lower case, without Latin accents and plural s. */
export function wordsOf(text: string): string[] {
  const folded = text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .toLowerCase()
  const words: string[] = []
  for (const [run] of folded.matchAll(wordPattern)) {
    if (spacelessScript.test(run)) words.push(...segmented(run))
    else words.push(run.length > 4 && /[^s]s$/.test(run) ? run.slice(0, -1) : run)
  }
  return words
}

function segmented(run: string): string[] {
  return [...segmenter.segment(run)].filter((part) => part.isWordLike).map((part) => part.segment)
}
