// The resources that the official suite reads by their URIs.

import { CallFailure } from '../../src/domain/failure.ts'
import {
  defineResource,
  type Resource,
  type ResourceContext,
  type ResourceOffer,
} from '../../src/resources/resource.ts'
import { redDotPng } from './samples.ts'

const staticText = defineResource({
  uri: 'test://static-text',
  name: 'static-text',
  title: 'Static text',
  description: 'A text that never changes.',
  mimeType: 'text/plain',
  ttlMs: 60_000,
  read: async (_context, { uri }) => [
    { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  ],
})

const staticBinary = defineResource({
  uri: 'test://static-binary',
  name: 'static-binary',
  title: 'Static image',
  description: 'A red dot.',
  mimeType: 'image/png',
  ttlMs: 60_000,
  read: async (_context, { uri }) => [{ uri, mimeType: 'image/png', blob: redDotPng }],
})

const templated = defineResource({
  uri: 'test://template/{id}/data',
  name: 'template',
  title: 'Data by id',
  description: 'Says the id it was asked for.',
  mimeType: 'application/json',
  ttlMs: 0,
  read: async (_context, { uri, variable }) => [
    {
      uri,
      mimeType: 'application/json',
      text: JSON.stringify({ id: variable, templateTest: true, data: `Data for ID: ${variable}` }),
    },
  ],
})

const watched = defineResource({
  uri: 'test://watched-resource',
  name: 'watched',
  title: 'Watched',
  description: 'Its changes are told.',
  mimeType: 'text/plain',
  ttlMs: 0,
  has: () => true,
  read: async (_context, { uri }) => [{ uri, mimeType: 'text/plain', text: 'Watched.' }],
})

/** What the fixture offers; all of it needs no context. */
export const fixtureResources: ResourceOffer = {
  resources: [staticText, staticBinary, watched, templated] satisfies readonly Resource[],
  contextOf: (identity): ResourceContext => ({
    identity,
    files: { list: () => [], read: missing, text: missing },
    threads: { list: () => [], has: () => false, read: () => [] },
    usage: async () => [],
    facts: {
      version: '0.0.1',
      wallMs: () => Date.now(),
      providers: () => [],
      models: () => ({ names: [], resting: [] }),
    },
  }),
}

async function missing(): Promise<never> {
  throw new CallFailure('not-found', { message: 'There are no files here.' })
}
