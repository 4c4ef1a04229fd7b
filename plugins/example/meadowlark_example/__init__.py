"""The manifest: light, imported at every start of the server."""

from meadowlark.api import EngineManifest, Marker, MarkerKind, Voice, hookimpl


@hookimpl
def register_engines(register):
    register(
        EngineManifest(
            id="beeps",
            title="A beep for every word",
            license="Apache-2.0",
            pipeline="meadowlark_example.pipeline:Beeps",
            sample_rate=16000,
            voices=(
                Voice("low", ("en-US",), name="Low", options={"hertz": 330}),
                Voice("high", ("en-US",), name="High", options={"hertz": 660}),
            ),
            markers=(Marker("whispering", MarkerKind.STYLE, {"volume": 0.1}),),
            memory={"cpu": 30_000_000},
            preload=("numpy",),
            streaming=True,
        )
    )
