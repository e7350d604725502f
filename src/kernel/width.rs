//! `widest`: runs a kernel with the widest vectors that the processor has.
//!
//! The kernel is compiled three times: for AVX-512, for AVX2, and for any processor of its family. Invariant: the
//! results are the same bits, since compilers neither reorder floating-point arithmetic nor fuse
//! multiplications with additions unless they are told to. Limit: only what is inlined into the kernel is compiled
//! again, so the closure and the functions it calls are `#[inline(always)]`.

use pulp::Arch;

/// Runs `kernel` compiled for the widest vectors there are.
#[inline(always)]
pub(crate) fn widest<R>(kernel: impl FnOnce() -> R) -> R {
    #[cfg(test)]
    if let Some(level) = tests::level() {
        return level.run(kernel);
    }
    // What was found out is kept: this is a load and two branches.
    Arch::new().dispatch(kernel)
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use pulp::Scalar;
    #[cfg(target_arch = "x86_64")]
    use pulp::x86::{V3, V4};
    use pulp::{Simd, WithSimd};

    thread_local! {
        static LEVEL: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// A set of instructions to compile kernels for.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::kernel) enum Level {
        Any,
        #[cfg(target_arch = "x86_64")]
        Avx2(V3),
        #[cfg(target_arch = "x86_64")]
        Avx512(V4),
    }

    impl Level {
        pub(super) fn run<K: WithSimd>(self, kernel: K) -> K::Output {
            match self {
                Self::Any => Scalar.vectorize(kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2(simd) => Simd::vectorize(simd, kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512(simd) => Simd::vectorize(simd, kernel),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    impl Level {
        pub(in crate::kernel) fn avx512(self) -> Option<V4> {
            match self {
                Self::Any | Self::Avx2(_) => None,
                Self::Avx512(simd) => Some(simd),
            }
        }
    }

    pub(in crate::kernel) fn level() -> Option<Level> {
        LEVEL.get()
    }

    /// What `run` returns with each set of instructions that this processor has, at least the one that all have.
    pub(in crate::kernel) fn at_every_level<R>(run: impl Fn() -> R) -> Vec<R> {
        let mut levels = vec![Level::Any];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(V3::try_new().map(Level::Avx2));
            levels.extend(V4::try_new().map(Level::Avx512));
        }
        let at = |level| {
            LEVEL.set(Some(level));
            let result = run();
            LEVEL.set(None);
            result
        };
        levels.into_iter().map(at).collect()
    }
}
