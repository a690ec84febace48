// Every resource there is, one line each, in the order in which people see them.

import { documentsResource, documentTextsResource } from './documents.ts'
import { modelsResource } from './models.ts'
import type { Resource } from './resource.ts'
import { threadsResource } from './threads.ts'
import { usageResource } from './usage.ts'

/** The resources. */
export const resources: readonly Resource[] = [
  modelsResource,
  usageResource,
  documentsResource,
  documentTextsResource,
  threadsResource,
]
