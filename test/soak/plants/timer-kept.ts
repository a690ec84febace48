// Each connection leaves a timer, as before the clients that vanish.

import '../../vanish/plants/handle-kept.ts'
