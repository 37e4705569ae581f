"""The yardstick of `sweep`: Adam on Rosenbrock, written by hand in numba for many learning rates at once.

Two ways to write it, both parallel over the lanes and with Optax's arithmetic; the benchmark takes the faster.
"""

import numpy as np
from numba import njit, prange

BLOCK = 128  # lanes a thread carries through all steps: eight arrays of them fit in the first-level cache


@njit(parallel=True, error_model="numpy", cache=False)
def lane_by_lane(learning_rates, start, steps, b1, b2, eps):
    """One lane after the other, all its numbers in registers."""
    params, loss = np.empty((learning_rates.size, 2)), np.empty(learning_rates.size)
    correction1, correction2 = _bias_corrections(steps, b1, b2)
    for lane in prange(learning_rates.size):
        x, y, rate = start[0], start[1], learning_rates[lane]
        m_x, m_y, v_x, v_y = 0.0, 0.0, 0.0, 0.0
        for t in range(steps):
            residual = y - x * x
            g_x = -2.0 * (1.0 - x) - 400.0 * x * residual
            g_y = 200.0 * residual
            m_x = (1.0 - b1) * g_x + b1 * m_x
            m_y = (1.0 - b1) * g_y + b1 * m_y
            v_x = (1.0 - b2) * g_x * g_x + b2 * v_x
            v_y = (1.0 - b2) * g_y * g_y + b2 * v_y
            x -= rate * (m_x * correction1[t]) / (np.sqrt(v_x * correction2[t]) + eps)
            y -= rate * (m_y * correction1[t]) / (np.sqrt(v_y * correction2[t]) + eps)
        params[lane, 0], params[lane, 1] = x, y
        loss[lane] = (1.0 - x) ** 2 + 100.0 * (y - x * x) ** 2
    return params, loss


@njit(parallel=True, error_model="numpy", cache=False)
def block_by_block(learning_rates, start, steps, b1, b2, eps):
    """A block of lanes through all steps, its innermost loop over the lanes, so that it becomes SIMD code."""
    lanes = learning_rates.size
    params, loss = np.empty((lanes, 2)), np.empty(lanes)
    correction1, correction2 = _bias_corrections(steps, b1, b2)
    for block in prange((lanes + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        size = min(BLOCK, lanes - first)
        x, y = np.full(BLOCK, start[0]), np.full(BLOCK, start[1])
        m_x, m_y, v_x, v_y = np.zeros(BLOCK), np.zeros(BLOCK), np.zeros(BLOCK), np.zeros(BLOCK)
        rate = np.zeros(BLOCK)
        rate[:size] = learning_rates[first : first + size]
        for t in range(steps):
            c1, c2 = correction1[t], correction2[t]
            for i in range(BLOCK):
                residual = y[i] - x[i] * x[i]
                g_x = -2.0 * (1.0 - x[i]) - 400.0 * x[i] * residual
                g_y = 200.0 * residual
                m_x[i] = (1.0 - b1) * g_x + b1 * m_x[i]
                m_y[i] = (1.0 - b1) * g_y + b1 * m_y[i]
                v_x[i] = (1.0 - b2) * g_x * g_x + b2 * v_x[i]
                v_y[i] = (1.0 - b2) * g_y * g_y + b2 * v_y[i]
                x[i] -= rate[i] * (m_x[i] * c1) / (np.sqrt(v_x[i] * c2) + eps)
                y[i] -= rate[i] * (m_y[i] * c1) / (np.sqrt(v_y[i] * c2) + eps)
        for i in range(size):
            params[first + i, 0], params[first + i, 1] = x[i], y[i]
            loss[first + i] = (1.0 - x[i]) ** 2 + 100.0 * (y[i] - x[i] * x[i]) ** 2
    return params, loss


@njit(error_model="numpy")
def _bias_corrections(steps, b1, b2):
    t = np.arange(1, steps + 1)
    return 1.0 / (1.0 - b1**t), 1.0 / (1.0 - b2**t)
