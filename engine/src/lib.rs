//! What happens at each bar.
