// Rules about what is asked: requests that the vendor will not take, searches, and files.

import { elsewhere, onceMore, type Rule, stopped, twice, unnoticed } from './rule.ts'

/** In the order in which they are printed. */
export const requestRules: readonly Rule[] = [
  {
    name: 'a bad request',
    why: 'Exactly one attempt: the same will fail everywhere. Nothing is paid, nobody is blamed.',
    faults: { glm: ['code-1210', 'code-1213', 'code-1214', 'code-1215'] },
    ...stopped(
      'bad-request',
      'free',
      /^The provider V did not accept the request \(HTTP 400, code 121\d\).*Change the request/s,
    ),
  },
  {
    name: 'a request id used before',
    why: 'Our own mistake, never the caller’s: each attempt has an id of its own, so the next one passes.',
    faults: { glm: ['code-1231'] },
    ...onceMore('provider-error', 'free', twice(/\bV\b.+code 1231/)),
  },
  {
    name: 'too long for the model',
    why: 'A model with a larger window, if the chain has one; else one sentence: shorten. Refused before any work.',
    faults: { glm: ['context-overflow', 'code-1261'] },
    ...elsewhere(
      'context-too-long',
      'free',
      /^The provider V says that the input does not fit the model \(HTTP 400.*Shorten the input\./s,
    ),
  },
  {
    name: 'too long for the largest model',
    why: 'Kimi’s window is the larger one: nobody is left to ask.',
    faults: { kimi: ['context-overflow', 'context-overflow-input'] },
    ...stopped(
      'context-too-long',
      'free',
      /^The provider V says that the input does not fit the model \(HTTP 400.*Shorten the input\./s,
    ),
  },
  {
    name: 'the window was full in mid-answer',
    why: 'HTTP 200, text, and a finish_reason that says so: paid by count, no answer, a larger window.',
    faults: { glm: ['window-exceeded'] },
    ...elsewhere('context-too-long', 'counted', /\bV\b.+[Ss]horten/s),
  },
  {
    name: 'refused for its content',
    why: 'A policy: no other attempt anywhere. Refused before any work: unpaid.',
    faults: { glm: ['content-filter', 'code-1300', 'code-1301'], kimi: ['content-filter'] },
    ...stopped(
      'content-filtered',
      'free',
      /^The provider V refused the content \(HTTP 400.*Rephrase the request\./s,
    ),
  },
  {
    name: 'cut for its content',
    why: '`sensitive` and its like: HTTP 200 and half an answer, which is counted, paid and not given out.',
    faults: { glm: ['sensitive'], kimi: ['filter-finish'] },
    ...stopped('content-filtered', 'counted', /^(?!.*\[simulated\]).*\bV\b.+[Rr]ephrase/s),
  },
  {
    name: 'a search that cannot be made',
    why: 'No engine, no data: the vendor’s own, and the same again at once; another vendor searches.',
    errand: 'search',
    faults: { glm: ['code-1702', 'code-1703'] },
    ...elsewhere(
      'provider-error',
      'free',
      /^The provider V failed on its side \(HTTP 429, code 170\d.*use another provider\./s,
    ),
  },
  {
    name: 'too many results',
    why: 'GLM’s count is not exact: what is too much is cut.',
    errand: 'search',
    faults: { glm: ['search-count'] },
    ...unnoticed('estimated'),
  },
  {
    name: 'no results',
    why: 'An empty list is an answer that says so.',
    errand: 'search',
    faults: { glm: ['search-empty'] },
    ...unnoticed('estimated', /^No results for ".+"\. Try other words\./),
  },
  {
    name: 'results without a link',
    why: 'Documented by the vendor: a result without an address is still read.',
    errand: 'search',
    faults: { glm: ['search-no-link'] },
    ...unnoticed('estimated', /^1\. \[simulated\] Result 1 for/),
  },
  {
    name: 'a file that cannot be read',
    why: 'Once more; then a sentence, for only this vendor reads such files. Extraction is free.',
    errand: 'document',
    faults: { kimi: ['extract-failed'] },
    once: { outcome: 'V answers', attempts: ['V provider-error free', 'V done estimated', 'V done counted'] },
    lasting: {
      outcome: 'provider-error',
      attempts: ['V provider-error free x2'],
      told: twice(/^The provider V failed on its side \(HTTP 500.*Failed to extract file/),
    },
    alone: {
      outcome: 'provider-error',
      attempts: ['V provider-error free x2'],
      told: twice(/^The provider V failed on its side \(HTTP 500.*Failed to extract file/),
    },
  },
  {
    name: 'too many files in the account',
    why: 'Files fill up, not the purse: no key dies of it. Extractions of others end within a minute and delete theirs, so we come back then; if that does not help, a sentence says what to delete.',
    errand: 'document',
    faults: { kimi: ['files-full'] },
    once: {
      outcome: 'V answers',
      attempts: ['V quota-exhausted free', 'V done estimated', 'V done counted'],
      operator: ['cools V'],
    },
    lasting: {
      outcome: 'quota-exhausted',
      attempts: ['V quota-exhausted free x2-4'],
      told: twice(/^The provider V holds as many files.+\(HTTP 400.*max file count 1000.*Delete old ones/),
      operator: ['cools V'],
    },
    alone: {
      outcome: 'quota-exhausted',
      attempts: ['V quota-exhausted free x2-4'],
      told: twice(/^The provider V holds as many files.+\(HTTP 400.*max file count 1000.*Delete old ones/),
      operator: ['cools V'],
    },
  },
]
