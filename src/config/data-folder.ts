// The data folder, made where it is not there yet.

import { makeFolder } from '../lib/make-folder.ts'

/** Makes the folder and those above it. Rejects with a sentence that says which setting to change. */
export async function makeDataFolder(dataDir: string): Promise<void> {
  await makeFolder(dataDir).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `The data folder ${dataDir} cannot be made (${error.code ?? error.message}): set dataDir or EXAI_DATA_DIR to a folder you may write.`,
      { cause: error },
    )
  })
}
