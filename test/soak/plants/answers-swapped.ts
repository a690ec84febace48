// Swaps answers, as the plant of the other clients does.

import '../../clients/plants/answers-swapped.ts'
