"""Trust (信任): what a plugin is made of, whether it is what its author gave away, who vouches.

``sbom`` writes the bill of materials that travels in the wheel, ``signature`` vouches for a wheel,
``verify`` compares what is installed with the policy of a deployment.
"""
