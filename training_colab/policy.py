"""The two pieces of the agent's network that are not stable-baselines3's own: scaling in front, and the way out to ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class Standardised(BaseFeaturesExtractor):
    """(N, 512) observations, less their mean over the training pictures, by their standard deviation there, cut at ±5."""

    def __init__(self, observation_space: gymnasium.Space, mean: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__(observation_space, features_dim=len(mean))
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """(N, 512)."""
        return torch.clamp((observations - self.mean) / self.scale, -5.0, 5.0)


class Actor(torch.nn.Module):
    """What is served of a policy: (N, 512) observations → mean actions cut to [0, 1] and their spread, (N, 8) each."""

    def __init__(self, policy: ActorCriticPolicy) -> None:
        super().__init__()
        self.features, self.body, self.head = policy.pi_features_extractor, policy.mlp_extractor, policy.action_net
        self.log_std = torch.nn.Parameter(policy.log_std.detach().clone(), requires_grad=False)

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        mean = self.head(self.body.forward_actor(self.features(observation)))
        return torch.clamp(mean, 0.0, 1.0), torch.exp(self.log_std).expand_as(mean)
