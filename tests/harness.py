"""What every layer and model is put through, and running code alike on all backends."""

import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

# Arguments of `compile`. Tracing takes longer than a few steps do on TensorFlow; JAX is slow
# without. That graphs work too is tested where it is the point.
COMPILED = "auto" if keras.backend.backend() == "jax" else False  # no XLA on TensorFlow
EAGER = {"run_eagerly": True} if keras.backend.backend() == "tensorflow" else {}

not_on_jax = pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="nothing here depends on the backend, and each compilation takes JAX seconds",
)


def numpy(x: Any) -> np.ndarray:
    """As a NumPy array; 16-bit floats become float32."""
    if "bfloat16" in str(getattr(x, "dtype", "")):
        x = ops.cast(x, "float32")
    return np.asarray(ops.convert_to_numpy(x))


def run(function: Callable, *arguments: Any) -> Any:
    """Calls a function of tensors; the results are NumPy arrays.

    JAX compiles it, since it is slow to dispatch one operation after the other. What the function
    assigns to variables is lost there.
    """
    if keras.backend.backend() == "jax":
        import jax

        def pure(*values):
            with keras.StatelessScope():
                return function(*values)

        result = jax.jit(pure)(*(ops.convert_to_tensor(a) for a in arguments))
    else:
        result = function(*(ops.convert_to_tensor(a) for a in arguments))
    return keras.tree.map_structure(numpy, result)


def gradients(
    function: Callable, variables: Sequence[Any] = (), arguments: Sequence[Any] = ()
) -> list[np.ndarray]:
    """Gradients of a scalar function with respect to variables, then to its arguments."""
    tensors = [ops.convert_to_tensor(a) for a in arguments]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            loss = function(*tensors)
        sources = [v.value for v in variables] + tensors
        found = tape.gradient(loss, sources, unconnected_gradients="zero")
    elif keras.backend.backend() == "torch":
        import torch

        tensors = [t.detach().clone().requires_grad_(True) for t in tensors]
        sources = [v.value for v in variables] + tensors
        found = torch.autograd.grad(function(*tensors), sources, allow_unused=True)
        found = [
            torch.zeros_like(s) if g is None else g for g, s in zip(found, sources, strict=True)
        ]
    else:
        import jax

        def pure(values, tensors):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function(*tensors)

        of_both = jax.jit(jax.grad(pure, argnums=(0, 1)))([v.value for v in variables], tensors)
        found = [*of_both[0], *of_both[1]]
    return [numpy(g) for g in found]


def check_every_argument_returns(cls: type, arguments: dict[str, Any]) -> None:
    """Every constructor argument comes back from `get_config`, through JSON too."""
    parameters = inspect.signature(cls.__init__).parameters
    named = {
        name: p
        for name, p in parameters.items()
        if name != "self" and p.kind is not inspect.Parameter.VAR_KEYWORD
    }
    assert set(arguments) == set(named), "give every argument of the constructor a value"
    for name, parameter in named.items():
        assert arguments[name] != parameter.default, f"{name} has its default value"
    instance = cls(**arguments, name="its_own_name")
    config = instance.get_config()
    for name, value in arguments.items():
        assert config[name] == value, name
    assert config["name"] == "its_own_name"
    written = json.loads(json.dumps(keras.saving.serialize_keras_object(instance)))
    again = keras.saving.deserialize_keras_object(written)
    assert type(again) is cls
    for name, value in arguments.items():
        got = again.get_config()[name]
        assert got == value and type(got) is type(value), name


def functional(layer: Any, inputs: Sequence[np.ndarray], **options: Any) -> keras.Model:
    """A functional model of one layer, whose batch size is not known."""
    symbols = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in inputs]
    outputs = keras.tree.flatten(layer(*symbols, **options))
    assert all(output.shape[0] is None for output in outputs)
    return keras.Model(symbols, outputs)


def check_outputs_are_as_announced(
    layer: Any, inputs: Sequence[np.ndarray], **options: Any
) -> None:
    """Shapes and dtypes of symbolic outputs are those of real ones, at two batch sizes."""
    announced = keras.tree.flatten(functional(layer, inputs, **options).outputs)
    dtypes = []

    def call(*tensors):
        outputs = keras.tree.flatten(layer(*tensors, **options))
        dtypes[:] = [keras.backend.standardize_dtype(o.dtype) for o in outputs]
        return outputs

    for batch in (1, len(inputs[0])):
        outputs = run(call, *(x[:batch] for x in inputs))
        assert dtypes == [symbol.dtype for symbol in announced]
        for symbol, output in zip(announced, outputs, strict=True):
            assert output.shape == (batch, *symbol.shape[1:])


def check_save_and_load(
    layer: Any, inputs: Sequence[np.ndarray], path: Any, **options: Any
) -> None:
    """A functional model of the layer gives the same after a round trip to a file."""
    model = functional(layer, inputs, **options)
    before = run(lambda *x: model(list(x)), *inputs)
    model.save(path)
    loaded = keras.saving.load_model(path)
    after = run(lambda *x: loaded(list(x)), *inputs)
    for x, y in zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-6)


def check_fit(layer: Any, inputs: Sequence[np.ndarray], **options: Any) -> None:
    """One compiled step: the loss is finite and every trainable weight moves."""
    model = functional(layer, inputs, **options)
    targets = [np.ones((len(inputs[0]), *o.shape[1:]), "float32") for o in model.outputs]
    before = [numpy(v) for v in model.trainable_variables]
    model.compile(keras.optimizers.SGD(0.1), loss=["mse"] * len(targets), jit_compile=COMPILED)
    history = model.fit(list(inputs), targets, batch_size=len(inputs[0]), verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert before
    for variable, value in zip(model.trainable_variables, before, strict=True):
        after = numpy(variable)
        assert np.isfinite(after).all(), variable.path
        assert (after != value).any(), variable.path


def check_gradients(layer: Any, inputs: Sequence[np.ndarray], **options: Any) -> None:
    """Every trainable weight has a finite gradient that is not zero."""
    functional(layer, inputs, **options)  # builds it

    def loss(*tensors):
        rng = np.random.default_rng(3)
        outputs = keras.tree.flatten(layer(*tensors, **options))
        weights = [rng.normal(size=tuple(o.shape)).astype("float32") for o in outputs]
        terms = zip(outputs, weights, strict=True)
        return sum(ops.sum(ops.cast(o, "float32") * ops.convert_to_tensor(w)) for o, w in terms)

    found = gradients(loss, layer.trainable_variables, inputs)
    assert layer.trainable_variables
    for variable, gradient in zip(layer.trainable_variables, found, strict=False):
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 0, variable.path


def check_precision(
    build: Callable, policy: str, inputs: Sequence[np.ndarray], atol: float, **options: Any
) -> None:
    """Finite outputs, near those of float32 with the same weights."""
    exact, rounded = build(), build(dtype=policy)
    for layer in (exact, rounded):
        functional(layer, inputs, **options)  # builds it
    rounded.set_weights(exact.get_weights())
    assert all(v.dtype == "float32" for v in rounded.weights)
    expected = run(lambda *x: exact(*x, **options), *inputs)
    got = run(lambda *x: rounded(*x, **options), *inputs)
    for x, y in zip(keras.tree.flatten(expected), keras.tree.flatten(got), strict=True):
        assert np.isfinite(y).all()
        assert np.abs(y - x).max() <= atol
