// Rules about a vendor that fails, is busy, limits us, or has trouble with the account or its keys.

import { elsewhere, onceMore, type Rule, twice } from './rule.ts'

const deadAccount = ['dead V/main#0', 'dead V/main#1']

/**
 * Too many at once: in line again, for as long as a job may; `usage` is what is known of the answer that follows. Alone the line has the
 * last word, and tells what sent the job back to it.
 */
const crowded = (usage: 'counted' | 'estimated'): Pick<Rule, 'once' | 'lasting' | 'alone'> => ({
  once: {
    outcome: 'V answers',
    attempts: ['V concurrency-limited free', `V done ${usage}`],
    operator: ['ceiling V 1'],
  },
  lasting: {
    outcome: 'O answers',
    attempts: ['V concurrency-limited free x2-33', 'O done counted'],
    operator: ['ceiling V 1'],
  },
  alone: {
    outcome: 'would-miss-deadline',
    logged: 'refused',
    attempts: ['V concurrency-limited free x2-33'],
    told: twice(/^No place at V\/main.* became free within .*Call again .*, or ask for another model\./),
    operator: ['ceiling V 1'],
  },
})

/** In the order in which they are printed. */
export const vendorRules: readonly Rule[] = [
  {
    name: 'failed on its side',
    why: '5xx, a page of the gateway before it, a 499 that nobody here caused, an error object inside a 200: no work was delivered, nothing is paid. Once more, then elsewhere; alone the sentence says who failed and what was said.',
    faults: {
      glm: [
        'server-error',
        'code--1',
        'code-500',
        'code-1120',
        'code-1200',
        'code-1230',
        'code-1234',
        'html-502',
        'html-504',
        'error-in-200',
      ],
      kimi: ['server-error', 'client-closed', 'html-502', 'html-504', 'error-in-200'],
    },
    ...onceMore(
      'provider-error',
      'free',
      twice(/^The provider V failed on its side \(HTTP \d+.*Try again, or use another provider\./),
    ),
  },
  {
    name: 'failed while speaking',
    why: 'An error frame in mid-stream: half of the answer was made and may be charged, so it is estimated.',
    faults: { glm: ['error-frame'], kimi: ['error-frame'] },
    ...onceMore('provider-error', 'estimated', twice(/^The provider V failed on its side.*Try again/)),
  },
  {
    name: 'network_error',
    why: 'GLM ends an answer it could not finish with HTTP 200 and this finish_reason, and counts it.',
    faults: { glm: ['network-error'] },
    ...onceMore('provider-error', 'counted', twice(/\bV\b.+[Tt]ry again/)),
  },
  {
    name: 'a page that forbids',
    why: 'HTML with 405 is a firewall before the vendor: it will say the same again, another vendor will not.',
    faults: { glm: ['html-405'], kimi: ['html-405'] },
    ...elsewhere(
      'provider-error',
      'free',
      /^The provider V failed on its side \(HTTP 405\).*use another provider\./s,
    ),
  },
  {
    name: 'overloaded',
    why: 'Busy for everybody and no time named: once more, then elsewhere. Twice without an answer between, the vendor cools, a while longer each time, so that those who come next go elsewhere at once; alone we come back after it, within the attempts a job has. Unpaid.',
    faults: { glm: ['code-1305', 'code-1312'], kimi: ['overloaded', 'unavailable'] },
    ...onceMore(
      'overloaded',
      'free',
      twice(/^The provider V is overloaded for everybody \(HTTP \d+.*Try again in a moment/),
      { operator: ['cools V'], alone: 'V overloaded free x4' },
    ),
  },
  {
    name: 'overloaded, with a time',
    why: 'It named when to come back, and another vendor is free now: elsewhere at once. Alone we come back at that time, within the attempts a job has.',
    faults: { kimi: ['overloaded-retry-after'] },
    ...elsewhere('overloaded', 'free', twice(/^The provider V is overloaded.*Try again/), {
      operator: ['cools V'],
      alone: 'V overloaded free x4',
    }),
  },
  {
    name: 'too many at once',
    why: 'Nobody’s fault and no error: the ceiling drops to what the account has shown to bear and the job goes back to its place. Until its time to wait is over; then elsewhere.',
    faults: { glm: ['code-1302'], kimi: ['limit-concurrency'] },
    ...crowded('counted'),
  },
  {
    name: 'too many searches at once',
    why: 'GLM’s search has a limit of its own, learned in the same way.',
    errand: 'search',
    faults: { glm: ['code-1701'] },
    ...crowded('estimated'),
  },
  {
    name: 'too many a minute',
    why: 'Another account now; this one cools, as long as the vendor says, or as its limit implies where it says too little. Alone the job waits for that and comes back, within its four attempts and its time.',
    faults: {
      glm: ['code-1303'],
      kimi: ['limit-rpm', 'limit-tpm', 'limit-project', 'too-many-requests'],
    },
    ...elsewhere(
      'rate-limited',
      'free',
      twice(/^The provider V is asked too often by this account \(HTTP 429.*Wait a little/),
      {
        operator: ['cools V'],
        alone: 'V rate-limited free x2-4',
      },
    ),
  },
  {
    name: 'used up until a known time',
    why: 'Another account; this one cools until then and is not asked before. The operator hears it; nothing is dead.',
    faults: {
      glm: [
        'code-1304',
        'code-1308',
        'code-1310',
        'code-1316',
        'code-1317',
        'code-1318',
        'code-1319',
        'code-1320',
        'code-1321',
      ],
      kimi: ['limit-tpd'],
    },
    ...elsewhere(
      'quota-exhausted',
      'free',
      /^The provider V says that a quota of this account is used up until its reset \(HTTP 429.*Wait for the reset/s,
      {
        operator: ['cools V'],
      },
    ),
  },
  {
    name: 'no money, no plan',
    why: 'Another account, and an alert: a person must pay or change the plan. All keys of the account are dead but for a probe an hour.',
    faults: {
      glm: ['quota-gone', 'code-1113', 'code-1309', 'code-1314'],
      kimi: ['quota-gone', 'account-suspended', 'account-no-balance'],
    },
    ...elsewhere(
      'quota-exhausted',
      'free',
      /^The provider V says that this account's .+ is used up \(HTTP 429.*Recharge the account/s,
      {
        operator: deadAccount,
      },
    ),
  },
  {
    name: 'a locked account',
    why: 'Inactive, missing, locked, irregular or unfair use: no retry, another account, and an alert, as with one that has no money.',
    faults: { glm: ['code-1110', 'code-1111', 'code-1112', 'code-1121', 'code-1313'] },
    ...elsewhere(
      'account-blocked',
      'free',
      /^The provider V does not serve this account \(HTTP 4\d\d, code 1\d+\).*at the vendor's console/s,
      {
        operator: deadAccount,
      },
    ),
  },
  {
    name: 'a dead key',
    why: 'Another key of the account, as many as there are; then elsewhere. The key is not asked again but for a probe an hour, and the operator hears its name, never its secret.',
    faults: {
      glm: [
        'dead-key',
        'wrong-region',
        'code-1000',
        'code-1001',
        'code-1002',
        'code-1003',
        'code-1004',
        'code-1005',
      ],
      kimi: ['dead-key', 'wrong-region'],
    },
    once: {
      outcome: 'V answers',
      attempts: ['V credential-rejected free', 'V done counted'],
      operator: ['dead V/main#0'],
    },
    lasting: {
      outcome: 'O answers',
      attempts: ['V credential-rejected free x2', 'O done counted'],
      operator: deadAccount,
    },
    alone: {
      outcome: 'credential-rejected',
      attempts: ['V credential-rejected free x2'],
      told: twice(/^The provider V rejects the API key \(HTTP 401.*region of the base URL\./),
      operator: deadAccount,
    },
  },
  {
    name: 'not allowed that model',
    why: 'The account lives, but its plan, its rights or the model do not cover this: the next model.',
    faults: { glm: ['code-1212', 'code-1220', 'code-1311', 'code-1315'], kimi: ['permission-denied'] },
    ...elsewhere(
      'permission-denied',
      'free',
      /^The provider V does not (?:allow this account|do this with this model).*\(HTTP 4\d\d.*(?:at the vendor|listmodels for others)\./s,
      { operator: ['refused V permission-denied'] },
    ),
  },
  {
    name: 'a model nobody knows',
    why: 'Dead names are remembered for a minute; the next model. Alone the model is told where the living names are.',
    faults: { glm: ['dead-model', 'code-1211'], kimi: ['dead-model'] },
    ...elsewhere(
      'model-unknown',
      'free',
      /^The provider V does not know this model \(HTTP 4\d\d.*Call listmodels/s,
      { operator: ['refused V model-unknown'] },
    ),
  },
  {
    name: 'a door that is gone',
    why: 'The vendor took the interface away or never had it there: not the caller’s doing, and another vendor has its own.',
    faults: { glm: ['code-1221', 'code-1222'] },
    ...elsewhere(
      'model-unknown',
      'free',
      /^The provider V no longer serves this here \(HTTP 404, code 122\d\).*Use another model or provider/s,
      { operator: ['refused V model-unknown'] },
    ),
  },
]
