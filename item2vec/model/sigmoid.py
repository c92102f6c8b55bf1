"""σ and log(1 + exp) of the numbers in a register, by polynomials."""

from __future__ import annotations

import numpy as np

from item2vec.model.compiled import inlined
from item2vec.model.simd import (
    absolute,
    add,
    div,
    fma,
    larger,
    mul,
    nearest,
    power_of_two,
    splat,
    sub,
    where_negative,
)

f32 = np.float32


@inlined
def sigma_softplus(s):
    """Return σ(s) and log(1 + exp(s)) of a vector, to some units in the last place; exactly 0 below -88."""
    one = splat(f32(1.0))
    t = larger(mul(absolute(s), splat(f32(-1.4426950408889634))), splat(f32(-127.0)))
    k = nearest(t)
    f = sub(t, k)
    p = fma(splat(f32(1.5403530e-4)), f, splat(f32(1.3333558e-3)))  # 2**f on -1/2..1/2
    p = fma(p, f, splat(f32(9.6181291e-3)))
    p = fma(p, f, splat(f32(5.5504109e-2)))
    p = fma(p, f, splat(f32(2.4022651e-1)))
    p = fma(p, f, splat(f32(6.9314718e-1)))
    e = mul(fma(p, f, one), power_of_two(k))  # exp(-|s|)
    upper = div(one, add(one, e))
    sigma = where_negative(s, mul(e, upper), upper)
    q = fma(splat(f32(-0.0085746758)), e, splat(f32(0.0442141928)))  # log(1+e)/e on 0..1, to 1.4e-7
    q = fma(q, e, splat(f32(-0.1078536808)))
    q = fma(q, e, splat(f32(0.1775702387)))
    q = fma(q, e, splat(f32(-0.2449961156)))
    q = fma(q, e, splat(f32(0.3327617645)))
    q = fma(q, e, splat(f32(-0.4999744892)))
    q = fma(q, e, splat(f32(0.9999998212)))
    return sigma, fma(q, e, larger(s, splat(f32(0.0))))
