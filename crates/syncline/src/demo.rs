//! Two small shops to try everything on, without a database of one's own and without a network.
