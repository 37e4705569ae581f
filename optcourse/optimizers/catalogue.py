"""Every optimizer of the course, defined once: its Optax constructor, its torch constructor, and how
far the two agree.

The defaults are the settings under which both libraries run the same algorithm, wherever there are
such settings; `Difference` records where a library's own default is another one.
"""

import optax

from optcourse.optimizers.entries import Difference, entry


def _torch_sgd(learning_rate, momentum=0.0, nesterov=False):
    return "SGD", {"lr": learning_rate, "momentum": momentum, "nesterov": nesterov}


def _torch_adam_family(torch_class, **fixed):
    def translate(learning_rate, b1, b2, eps, weight_decay=0.0):
        arguments = {"lr": learning_rate, "betas": (b1, b2), "eps": eps, "weight_decay": weight_decay}
        return torch_class, arguments | fixed

    return translate


# --- SGD and momentum ---------------------------------------------------------------------------------


@entry(
    "SGD",
    optax=optax.sgd,
    torch=_torch_sgd,
    optax_name="optax.sgd",
    torch_name="torch.optim.SGD",
    source="Robbins and Monro 1951, doi:10.1214/aoms/1177729586",
)
def sgd(learning_rate=0.01, *, backend="optax"):
    r"""Gradient descent: \(x \leftarrow x - \eta g\)."""


@entry(
    "Momentum",
    optax=optax.sgd,
    torch=_torch_sgd,
    optax_name="optax.sgd(momentum=...)",
    torch_name="torch.optim.SGD(momentum=...)",
    source="Polyak 1964, doi:10.1016/0041-5553(64)90137-5",
)
def momentum(learning_rate=0.01, momentum=0.9, *, backend="optax"):
    r"""Heavy ball: \(v \leftarrow \beta v + g,\ x \leftarrow x - \eta v\)."""


@entry(
    "Nesterov",
    optax=lambda **hyperparams: optax.sgd(nesterov=True, **hyperparams),
    torch=lambda **hyperparams: _torch_sgd(nesterov=True, **hyperparams),
    optax_name="optax.sgd(momentum=..., nesterov=True)",
    torch_name="torch.optim.SGD(momentum=..., nesterov=True)",
    source="Nesterov 1983; in this form Bengio, Boulanger-Lewandowski and Pascanu 2013, arXiv:1212.0901",
)
def nesterov(learning_rate=0.01, momentum=0.9, *, backend="optax"):
    r"""Nesterov's momentum: \(v \leftarrow \beta v + g,\ x \leftarrow x - \eta (g + \beta v)\)."""


# --- One step size per coordinate -----------------------------------------------------------------------


def _torch_adagrad(learning_rate, initial_accumulator_value, eps):
    return "Adagrad", {"lr": learning_rate, "initial_accumulator_value": initial_accumulator_value, "eps": eps}


@entry(
    "AdaGrad",
    optax=optax.adagrad,
    torch=_torch_adagrad,
    optax_name="optax.adagrad",
    torch_name="torch.optim.Adagrad",
    tolerance=1e-6,
    differences=[
        Difference("default initial_accumulator_value", 0.1, 0.0),
        Difference("default eps", 1e-7, 1e-10),
        Difference("eps stands", "inside the square root", "outside the square root"),
    ],
    source="Duchi, Hazan and Singer 2011, jmlr.org/papers/v12/duchi11a",
)
def adagrad(learning_rate=0.1, initial_accumulator_value=0.0, eps=1e-10, *, backend="optax"):
    r"""AdaGrad: \(s \leftarrow s + g^2,\ x \leftarrow x - \eta g / \sqrt{s + \epsilon}\) in Optax."""


def _torch_rmsprop(learning_rate, decay, eps, eps_in_sqrt, centered):
    if eps_in_sqrt:
        raise ValueError("torch.optim.RMSprop adds eps outside the square root: set eps_in_sqrt=False.")
    return "RMSprop", {"lr": learning_rate, "alpha": decay, "eps": eps, "centered": centered}


@entry(
    "RMSprop",
    optax=optax.rmsprop,
    torch=_torch_rmsprop,
    optax_name="optax.rmsprop",
    torch_name="torch.optim.RMSprop",
    differences=[
        Difference("default decay of the squared gradients", 0.9, 0.99),
        Difference("default place of eps", "inside the square root", "outside the square root"),
        Difference("first step / learning rate, library defaults", 3.16, 10.0),
    ],
    source="Tieleman and Hinton 2012, Coursera lecture 6.5",
)
def rmsprop(learning_rate=0.01, decay=0.9, eps=1e-8, *, eps_in_sqrt=False, centered=False, backend="optax"):
    r"""RMSprop: \(s \leftarrow \rho s + (1-\rho) g^2,\ x \leftarrow x - \eta g / (\sqrt{s} + \epsilon)\)."""


@entry(
    "Adadelta",
    optax=optax.adadelta,
    torch=lambda learning_rate, rho, eps: ("Adadelta", {"lr": learning_rate, "rho": rho, "eps": eps}),
    optax_name="optax.adadelta",
    torch_name="torch.optim.Adadelta",
    source="Zeiler 2012, arXiv:1212.5701",
)
def adadelta(learning_rate=1.0, rho=0.9, eps=1e-6, *, backend="optax"):
    r"""Adadelta: RMSprop whose learning rate is the root mean square of its own past updates."""


def _torch_rprop(learning_rate, eta_minus, eta_plus, min_step_size, max_step_size):
    arguments = {"etas": (eta_minus, eta_plus), "step_sizes": (min_step_size, max_step_size)}
    return "Rprop", {"lr": learning_rate} | arguments


@entry(
    "Rprop",
    optax=optax.rprop,
    torch=_torch_rprop,
    optax_name="optax.rprop",
    torch_name="torch.optim.Rprop",
    agreement="different",
    differences=[Difference("first step / learning rate", 0.0, 1.0)],
    source="Riedmiller and Braun 1993, doi:10.1109/ICNN.1993.298623",
)
def rprop(learning_rate=0.01, eta_minus=0.5, eta_plus=1.2, min_step_size=1e-6, max_step_size=50.0, *, backend="optax"):
    r"""Rprop: only the gradient's signs; each coordinate's step grows while its sign stays."""


# --- The Adam family ------------------------------------------------------------------------------------


@entry(
    "Adam",
    optax=optax.adam,
    torch=_torch_adam_family("Adam"),
    optax_name="optax.adam",
    torch_name="torch.optim.Adam",
    source="Kingma and Ba 2015, arXiv:1412.6980",
)
def adam(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, *, backend="optax"):
    r"""Adam: \(x \leftarrow x - \eta\, m / (\sqrt v + \epsilon)\); \(m, v\) average \(g, g^2\), bias-corrected."""


@entry(
    "AdamW",
    optax=optax.adamw,
    torch=_torch_adam_family("AdamW"),
    optax_name="optax.adamw",
    torch_name="torch.optim.AdamW",
    differences=[Difference("default weight_decay", 1e-4, 1e-2)],
    source="Loshchilov and Hutter 2019, arXiv:1711.05101",
)
def adamw(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.01, *, backend="optax"):
    r"""AdamW: Adam, and parameters that shrink by \(\eta\lambda x\) independently of the gradient."""


@entry(
    "AMSGrad",
    optax=optax.amsgrad,
    torch=_torch_adam_family("Adam", amsgrad=True),
    optax_name="optax.amsgrad",
    torch_name="torch.optim.Adam(amsgrad=True)",
    agreement="different",
    differences=[Difference("maximum taken over the second moment", "after bias correction", "before bias correction")],
    source="Reddi, Kale and Kumar 2018, arXiv:1904.09237",
)
def amsgrad(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, *, backend="optax"):
    r"""AMSGrad: Adam whose second moment never decreases."""


@entry(
    "NAdam",
    optax=optax.nadam,
    torch=_torch_adam_family("NAdam"),
    optax_name="optax.nadam",
    torch_name="torch.optim.NAdam",
    agreement="different",
    differences=[Difference("b1 over time", "constant", "warmed up by momentum_decay=0.004")],
    source="Dozat 2016, openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
)
def nadam(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, *, backend="optax"):
    r"""NAdam: Adam with Nesterov's look-ahead."""


@entry(
    "RAdam",
    optax=optax.radam,
    torch=_torch_adam_family("RAdam"),
    optax_name="optax.radam",
    torch_name="torch.optim.RAdam",
    tolerance=1e-6,
    differences=[Difference("eps is added", "after bias correction", "before bias correction")],
    source="Liu et al. 2020, arXiv:1908.03265",
)
def radam(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, *, backend="optax"):
    r"""RAdam: Adam that takes momentum steps until its second moment can be trusted."""


@entry(
    "Adamax",
    optax=optax.adamax,
    torch=_torch_adam_family("Adamax"),
    optax_name="optax.adamax",
    torch_name="torch.optim.Adamax",
    source="Kingma and Ba 2015, arXiv:1412.6980, section 7.1",
)
def adamax(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, *, backend="optax"):
    r"""Adamax: Adam that divides by a decaying maximum of \(|g|\) instead of a root mean square."""


# --- Beyond Adam ----------------------------------------------------------------------------------------


@entry(
    "Lion",
    optax=optax.lion,
    torch=None,
    optax_name="optax.lion",
    torch_name="",
    agreement="one library",
    source="Chen et al. 2023, arXiv:2302.06675",
)
def lion(learning_rate=0.001, b1=0.9, b2=0.99, weight_decay=0.0, *, backend="optax"):
    r"""Lion: \(x \leftarrow x - \eta(\mathrm{sign}(\beta_1 m + (1-\beta_1) g) + \lambda x)\), then
    \(m \leftarrow \beta_2 m + (1-\beta_2) g\)."""


def _torch_muon(learning_rate, beta, eps, weight_decay):
    return "Muon", {"lr": learning_rate, "momentum": beta, "eps": eps, "weight_decay": weight_decay}


@entry(
    "Muon",
    optax=optax.contrib.muon,
    torch=_torch_muon,
    optax_name="optax.contrib.muon",
    torch_name="torch.optim.Muon",
    agreement="different",
    matrices_only=True,
    differences=[
        Difference("default weight_decay", 0.0, 0.1),
        Difference("default eps", 1e-8, 1e-7),
        Difference("step grows with the matrix for", "more columns than rows", "more rows than columns"),
        Difference("Newton-Schulz steps computed in", "the dtype of params", "bfloat16"),
        Difference("params that are not matrices", "take an Adam step", "are refused"),
    ],
    source="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
)
def muon(learning_rate=0.02, beta=0.95, eps=1e-8, weight_decay=0.0, *, backend="optax"):
    r"""Muon: momentum whose singular values are all pushed towards 1, for weight matrices."""


@entry(
    "Schedule-Free",
    optax=optax.contrib.schedule_free_adamw,
    torch=None,
    optax_name="optax.contrib.schedule_free_adamw",
    torch_name="",
    agreement="one library",
    source="Defazio et al. 2024, arXiv:2405.15682",
)
def schedule_free(learning_rate=0.0025, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0, *, backend="optax"):
    r"""Schedule-Free AdamW: an average of the path takes the place of a decaying learning rate."""


def _optax_lbfgs(learning_rate, memory_size, line_search):
    if line_search:
        return optax.lbfgs(learning_rate, memory_size=memory_size)
    return optax.lbfgs(learning_rate, memory_size=memory_size, linesearch=None)


def _torch_lbfgs(learning_rate, memory_size, line_search):
    # One of our steps is one iteration; torch's own default makes 20 of them in a step.
    arguments = {"max_iter": 1, "history_size": memory_size}
    return "LBFGS", {"lr": learning_rate, "line_search_fn": "strong_wolfe" if line_search else None} | arguments


@entry(
    "L-BFGS",
    optax=_optax_lbfgs,
    torch=_torch_lbfgs,
    optax_name="optax.lbfgs",
    torch_name="torch.optim.LBFGS",
    agreement="different",
    differences=[
        Difference("default memory", 10, 100),
        Difference("default line search", "zoom", "none"),
        Difference("default iterations in one step", 1, 20),
    ],
    source="Liu and Nocedal 1989, doi:10.1007/BF01589116",
)
def lbfgs(learning_rate=1.0, memory_size=10, *, line_search=True, backend="optax"):
    r"""L-BFGS: a quasi-Newton direction from the last `memory_size` steps, then a line search."""
